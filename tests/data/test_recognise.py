import torch

from gen3d.data.procedural.recognise import Recogniser, classify, unit_clouds


def sphere(count, seed, scale=1.0):
    points = torch.randn(count, 3, generator=torch.Generator().manual_seed(seed))
    return scale * torch.nn.functional.normalize(points, dim=-1)


def rod(count, seed):
    points = torch.rand(count, 3, generator=torch.Generator().manual_seed(seed))
    return points * torch.tensor([1.0, 0.05, 0.05])


def test_majority_of_the_nearest_wins_and_ties_go_to_the_nearer():
    distances = torch.tensor([[3.0, 1.0, 2.0, 4.0], [1.0, 3.0, 4.0, 2.0]])
    assert classify(distances, ["a", "b", "b", "a"], 3) == ["b", "a"]
    assert classify(distances, ["a", "b", "b", "a"], 4) == ["b", "a"]


def test_unit_clouds_have_no_size_or_place():
    cloud = rod(64, 0)
    moved = torch.stack([cloud, 7 * cloud + 3])
    unit = unit_clouds(moved)
    assert torch.allclose(unit[0], unit[1], atol=1e-6)
    assert torch.allclose((unit.amax(1) - unit.amin(1)).amax(-1), torch.ones(2))


def test_shapes_are_named_whatever_their_size():
    known = unit_clouds(torch.stack([*(sphere(64, i) for i in range(5)),
                                     *(rod(64, i) for i in range(5))]))  # fmt: skip
    recogniser = Recogniser(known, ["ball"] * 5 + ["rod"] * 5)
    assert recogniser.name(torch.stack([sphere(64, 9, scale=0.1), 5 * rod(64, 9)])) == [
        "ball",
        "rod",
    ]
