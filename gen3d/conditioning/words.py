"""Everyday words that captions of objects are made of; an underscore joins compounds.

They weigh the token table towards things, colours and materials, and fill the templates of
:mod:`gen3d.conditioning.phrases`.
"""

from __future__ import annotations


def _words(text: str) -> tuple[str, ...]:
    """Split a list; underscores become spaces, doubles go."""
    return tuple(dict.fromkeys(word.replace("_", " ") for word in text.split()))


def _kinds(text: str) -> dict[str, tuple[str, ...]]:
    """Read lines such as ``sofa:couch settee``."""
    lines = (line.split(":") for line in text.strip().splitlines())
    return {kind.replace("_", " "): _words(others) for kind, others in lines}


FURNITURE = _words("""
chair armchair stool bar_stool bench sofa couch settee loveseat recliner rocking_chair throne seat
office_chair dining_chair folding_chair deckchair ottoman footstool pouf table desk coffee_table
side_table dining_table end_table nightstand bedside_table workbench console counter bed bunk_bed
crib cradle hammock mattress cot wardrobe closet dresser cabinet cupboard chest drawer bookcase
bookshelf shelf rack sideboard hutch bureau trunk crate lamp floor_lamp desk_lamp table_lamp lantern
chandelier candlestick candelabra sconce mirror clock grandfather_clock cuckoo_clock picture_frame
easel coat_rack umbrella_stand rug carpet curtain pillow cushion blanket screen partition fireplace
heater radiator fan ladder stepladder door gate window shutter staircase railing
""")
TABLEWARE = _words("""
mug cup teacup glass wine_glass goblet chalice tumbler tankard beaker bottle flask jar jug pitcher
carafe decanter teapot kettle coffee_pot bowl plate dish saucer platter tray pot pan frying_pan
saucepan skillet wok cauldron casserole spoon fork knife ladle spatula whisk chopsticks vase urn
amphora basket bucket pail barrel keg cask bin trash_can box carton canister tin can thermos
salt_shaker pepper_mill sugar_bowl candle cutting_board rolling_pin colander funnel grater toaster
blender microwave oven stove refrigerator dishwasher mixer
""")
VEHICLES = _words("""
car sedan coupe convertible hatchback sports_car race_car limousine taxi police_car jeep truck
pickup_truck lorry van minivan bus school_bus double_decker camper caravan trailer ambulance
fire_truck tractor bulldozer excavator crane forklift tank motorcycle motorbike scooter moped
bicycle bike tricycle unicycle skateboard rollerblade sled sleigh wagon cart carriage chariot
wheelbarrow stroller wheelchair train locomotive steam_engine tram trolley subway monorail
airplane plane jet airliner biplane glider propeller_plane fighter_jet seaplane helicopter drone
airship blimp zeppelin hot_air_balloon balloon parachute rocket spaceship space_shuttle satellite
ufo spacecraft boat ship sailboat yacht canoe kayak rowboat raft ferry cruise_ship tugboat
fishing_boat speedboat motorboat galleon warship submarine gondola dinghy catamaran barge anchor
buoy
""")
BUILDINGS = _words("""
house cottage cabin hut shed barn mansion villa bungalow tent igloo tepee yurt castle fortress tower
lighthouse windmill watermill skyscraper apartment office_building church chapel cathedral mosque
temple pagoda pyramid palace school hospital factory warehouse garage greenhouse gazebo pavilion
bridge arch well fountain chimney silo water_tower bell_tower kiosk stall shop store gas_station
stadium dome monument obelisk statue tomb gravestone fence wall mailbox doghouse birdhouse treehouse
telephone_booth bus_stop street_lamp traffic_light signpost billboard fire_hydrant
""")
PLANTS = _words("""
tree pine_tree fir spruce oak birch maple willow palm_tree palm christmas_tree bush shrub hedge
bonsai cactus succulent fern bamboo grass flower rose tulip daisy sunflower lily orchid lotus poppy
daffodil carnation potted_plant houseplant vine ivy leaf branch log stump mushroom toadstool fungus
moss clover acorn pinecone seed sapling bouquet wreath rock stone boulder pebble crystal mountain
hill volcano island cloud moon star sun planet
""")
ANIMALS = _words("""
dog puppy cat kitten horse pony donkey zebra cow bull calf ox sheep lamb goat pig piglet hog rabbit
bunny hare mouse rat hamster squirrel beaver hedgehog fox wolf bear polar_bear panda koala lion
tiger leopard cheetah elephant rhino rhinoceros hippo hippopotamus giraffe camel llama deer moose
reindeer kangaroo monkey gorilla ape chimpanzee bat otter seal walrus whale dolphin shark fish
goldfish salmon tuna trout eel ray octopus squid jellyfish starfish crab lobster shrimp snail slug
turtle tortoise frog toad lizard gecko chameleon snake crocodile alligator dinosaur dragon unicorn
bird duck duckling goose swan chicken hen rooster turkey pigeon dove crow raven eagle hawk owl
parrot penguin flamingo peacock ostrich seagull sparrow robin hummingbird butterfly moth bee wasp
ant spider beetle ladybug dragonfly caterpillar worm
""")
TOYS = _words("""
toy doll teddy_bear stuffed_animal puppet robot toy_car toy_train action_figure snowman gnome ball
football soccer_ball basketball baseball tennis_ball bowling_pin bat racket golf_club hockey_stick
dice chess_piece pawn rook knight bishop queen king puzzle block building_block lego_brick
spinning_top yo-yo kite rocking_horse rubber_duck slide swing seesaw trampoline sandbox trophy medal
dumbbell barbell drum guitar acoustic_guitar electric_guitar bass ukulele banjo mandolin violin
viola cello double_bass harp lute piano grand_piano keyboard organ accordion flute clarinet oboe
bassoon saxophone trumpet trombone tuba horn french_horn bagpipes harmonica xylophone tambourine
cymbal triangle gong bell maraca bongo microphone speaker radio gramophone headphones
""")
TOOLS = _words("""
hammer mallet sledgehammer screwdriver wrench spanner pliers saw handsaw chainsaw drill chisel file
axe hatchet pickaxe shovel spade rake hoe pitchfork trowel sickle scythe shears scissors nail screw
bolt nut gear cog spring hinge hook chain rope pulley lever wheel anvil vise clamp toolbox toolkit
tape_measure ruler compass level plunger broom mop brush paintbrush roller sponge dustpan
vacuum_cleaner watering_can hose faucet tap sink bathtub shower toilet washing_machine iron
sewing_machine needle thimble key lock padlock sword dagger shield spear bow arrow helmet cannon
gun rifle pistol bomb torch flashlight telescope microscope binoculars camera magnifying_glass
hourglass watch thermometer scale syringe stethoscope pencil pen marker crayon eraser stapler
notebook book envelope letter newspaper bag backpack handbag purse suitcase briefcase wallet
umbrella hat cap crown glasses sunglasses shoe boot sneaker sandal sock glove shirt jacket coat
dress skirt trousers belt tie scarf necklace ring bracelet earring computer laptop monitor
printer telephone phone television remote_control battery bulb light_bulb plug switch
""")
FOOD = _words("""
apple pear banana orange lemon lime grapefruit peach plum cherry strawberry raspberry blueberry
grape melon watermelon pineapple mango kiwi coconut avocado fig date pomegranate tomato potato
carrot onion garlic pepper chili cucumber zucchini eggplant pumpkin squash corn pea bean broccoli
cauliflower cabbage lettuce spinach celery asparagus radish beet turnip bread loaf baguette bagel
croissant bun roll toast pretzel sandwich hamburger burger cheeseburger hot_dog pizza taco burrito
sushi noodle pasta spaghetti dumpling egg fried_egg cheese ham sausage bacon steak meatball
cake birthday_cake wedding_cake cupcake muffin pie tart cookie biscuit donut doughnut brownie waffle
pancake pudding ice_cream ice_cream_cone popsicle lollipop candy candy_cane chocolate honey jam
milkshake soda juice tea coffee wine beer
""")
OBJECTS = tuple(
    dict.fromkeys(
        FURNITURE + TABLEWARE + VEHICLES + BUILDINGS + PLANTS + ANIMALS + TOYS + TOOLS + FOOD
    )
)
COLOURS = _words("""
red orange yellow green blue purple pink brown black white grey gray crimson scarlet maroon burgundy
ruby vermilion coral salmon rose magenta fuchsia lilac lavender violet mauve indigo plum navy azure
cobalt turquoise teal cyan aqua sky_blue royal_blue mint lime olive emerald jade khaki beige cream
ivory tan ochre amber gold golden silver bronze copper chocolate chestnut charcoal ebony
""")
SHADES = _words("dark light bright pale deep vivid hot dull pastel neon")
MATERIALS = _words("""
wooden wood oak pine bamboo metal metallic steel iron brass chrome aluminium tin stone marble
granite concrete brick clay ceramic porcelain glass crystal plastic rubber leather fabric cloth
velvet wool cotton silk linen wicker rattan straw paper cardboard plush foam gilded
""")
STYLES = _words("""
modern antique old vintage rustic classic classical minimalist ornate simple plain fancy elegant
futuristic medieval victorian industrial traditional contemporary retro gothic baroque round square
tall short long wide narrow thin thick slim small little tiny big large huge giant low high chunky
sturdy delicate heavy curved straight flat pointed striped spotted shiny glossy matte rough smooth
polished painted weathered broken new cute funny sleek cozy comfortable stylized cartoon realistic
open closed empty full hollow solid folding padded upholstered striking
""")
PARTS = _words("""
legs arms back backrest seat armrests wheels doors windows roof chimney handle lid spout base stem
shade drawers shelves cushion cushions top sides frame wings tail ears head body nose eyes beak
sails mast hull deck propeller engine tyres headlights bumper cabin trunk leaves branches petals
spines pot blade grip strings neck keys pedals buttons stripes spots dots feet claws horns hooves
mane fins shell rim bowl foot pedestal steps columns walls tower flag door icing frosting crust
""")
COUNTS = _words("two three four five six eight many several")
PART_STYLES = _words(
    "tall short long thin thick curved straight round square tapered wide narrow small large big"
)

# What the embedded model makes, by the plainest word, each with other words for it.
SHAPES = _kinds("""
chair:dining_chair wooden_chair seat armchair
table:dining_table coffee_table side_table
sofa:couch settee loveseat corner_sofa
bed:single_bed double_bed four-poster_bed
lamp:table_lamp desk_lamp floor_lamp
mug:cup coffee_cup coffee_mug beer_mug
bottle:wine_bottle flask water_bottle
teapot:tea_pot kettle
house:home building cottage
guitar:acoustic_guitar electric_guitar
hammer:mallet claw_hammer sledgehammer
car:automobile sedan sports_car hatchback van pickup_truck
airplane:plane aeroplane jet airliner biplane
sailboat:sailing_boat yacht ship boat
tree:oak pine_tree fir_tree
cactus:saguaro succulent
dog:puppy hound
fish:goldfish shark
teddy_bear:teddy stuffed_bear toy_bear
ice_cream:ice_cream_cone ice_cream_cup popsicle
stool:bar_stool footstool
bench:park_bench garden_bench
desk:writing_desk office_desk
bookshelf:bookcase shelf shelving_unit
wardrobe:closet armoire
dresser:chest_of_drawers drawers
apple:red_apple fresh_apple bitten_apple
banana:bananas bunch_of_bananas peeled_banana
pineapple:fresh_pineapple
carrot:carrots fresh_carrot
mushroom:toadstool mushrooms
pumpkin:jack-o'-lantern halloween_pumpkin
cake:birthday_cake wedding_cake
burger:hamburger cheeseburger
treasure_chest:chest pirate_chest
crate:box wooden_box shipping_crate
barrel:keg cask oil_drum
vase:flower_vase pot
bucket:pail
trash_can:garbage_can rubbish_bin waste_basket wheelie_bin
bowl:dish soup_bowl fruit_bowl
frying_pan:pan skillet
sword:blade saber broadsword
shield:round_shield knight's_shield
axe:hatchet battle_axe
key:door_key old_key
book:closed_book open_book
flower:daisy tulip sunflower
palm_tree:palm coconut_palm coconut_tree
bird:songbird duck crane
horse:pony stallion unicorn
robot:android droid toy_robot
snowman:snow_man
person:human man woman boy girl human_figure
bathtub:bath tub
toilet:loo lavatory toilet_bowl
refrigerator:fridge freezer
stove:oven cooker range
television:tv television_set tv_set
laptop:laptop_computer notebook_computer computer
truck:lorry dump_truck
bus:city_bus double-decker_bus coach
train:steam_train locomotive
motorcycle:motorbike chopper
helicopter:chopper
rocket:space_rocket spacecraft
spaceship:space_ship ufo flying_saucer
canoe:kayak rowing_boat
tank:army_tank battle_tank
wheelbarrow:garden_cart
windmill:mill
castle:fortress medieval_castle
church:chapel cathedral
barn:farm_building
tent:camping_tent tepee
bridge:arch_bridge suspension_bridge
fence:picket_fence garden_fence
street_lamp:street_light lamp_post
traffic_light:stop_light traffic_signal
well:water_well wishing_well
column:pillar
gravestone:tombstone headstone
clock:wall_clock alarm_clock grandfather_clock
candle:wax_candle candlestick candelabra
ladder:step_ladder
door:front_door gate
""")
SHAPE_PARTS = _words("""
handle handles legs seat backrest cushions wheels hubcaps lid spout roof windows door chimney stem
leaves icing cherries candles bands lock panels braces hoops flowers rim water stripes soup fruits
blade guard pommel gem boss cross studs bookmark petals fronds coconuts trunk wings beak belly mane
tail saddle head eyes antennas buttons screen hat scarf nose arms balls tiers shirt trousers skirt
shorts dress suit shoes hair beard backpack tie feet taps tank lever knobs burners stand keys cab
wagons funnel tracks gun turret fins boosters cockpit dome engines paddles sails towers flags keep
steeple windows silo poles arches piers rails pickets posts globes lights bucket capital base face
hands bells pendulum flame holder rungs steps frame knob hinges pot spots ears paws collar bow_tie
scoops wafers cone shade pole drawers shelves doors slats rocker strings neck pickguard
""")
SHAPE_STYLES = _words("""
modern classic classical rustic antique vintage retro old-fashioned traditional round square long
short tall wide narrow slim thick thin flat open small broad oval rectangular pointed curved arched
boxy blocky lit unlit
""")
NUMBERS = _words("two three four five six seven eight nine ten 2 3 4 5 6 7 8")
