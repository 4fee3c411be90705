"""The sampling bench: its hard set, its judge and its arithmetic, on data whose truth is known."""

import runpy
from pathlib import Path

import numpy as np
import pytest
import torch

from gen3d.bench import sample_parts
from gen3d.bench.attribute_judge import Judge, NearestShapes, colour_shares, telling_points
from gen3d.bench.hard_set import ATTRIBUTES, Attribute, make_hard_set, painted, shows
from gen3d.bench.rows import Rows
from gen3d.bench.sample import bench_sample
from gen3d.bench.sample_context import SampleSizes
from gen3d.bench.sample_parts import study_figures
from gen3d.bench.sample_plot import Panel, draw_panels
from gen3d.bench.sample_run import HardSetBench, Outcome, nearest_distance, unit_clouds
from gen3d.bench.sample_solvers import (
    SCHEDULES,
    SOLVERS,
    SolverSizes,
    moved,
    recipes,
    spending,
)
from gen3d.bench.sample_students import beats, kept
from gen3d.data.procedural import Solid, make_shape
from gen3d.errors import InputError
from gen3d.flow import UniformSchedule
from gen3d.geometry.color import COLOUR_NAMES
from gen3d.runtime.progress import NullProgress

CHAIR = Attribute("chair", "adjective", ("tall", "low-backed"))


def _bare(text: str) -> str:
    return " ".join(word for word in text.split() if word not in ("a", "an"))


def test_captions_of_a_pair_differ_in_the_value_alone() -> None:
    asks = make_hard_set(2)
    assert len(asks) == 2 * 2 * len(ATTRIBUTES)
    for first, second in zip(asks[::2], asks[1::2], strict=True):
        assert first.seed == second.seed
        assert (first.value, first.rival) == (second.rival, second.value)
        texts = _bare(first.text), _bare(second.text)
        assert texts[0] != texts[1]
        assert texts[0].replace(_bare(first.value), _bare(second.value)) == texts[1]
    assert len({ask.seed for ask in asks}) == len(asks) / 2


def test_values_are_read_off_descriptions_of_true_shapes() -> None:
    chairs = [make_shape("chair", 2_000_000 + i) for i in range(20)]
    tall = [s for s in chairs if shows(s, CHAIR, "tall")]
    assert 0 < len(tall) < 20
    assert all(" tall " in s.captions[1] for s in tall)
    assert not any(shows(s, CHAIR, "low-backed") for s in tall)
    roof = Attribute("house", "paint", ("with a {} roof",))
    # A roof in the colour of the walls is not worth a word.
    roofs = {painted(make_shape("house", 2_000_000 + i), roof) for i in range(12)}
    assert {*COLOUR_NAMES, None} >= roofs
    assert len(roofs) > 3
    assert painted(chairs[0], roof) is None


def test_points_that_tell_groups_apart_are_found() -> None:
    generator = torch.Generator().manual_seed(0)
    first = torch.rand(30, 50, generator=generator) < 0.5
    second = torch.rand(30, 50, generator=generator) < 0.5
    first[:, 7], second[:, 7] = True, False
    chosen, weights = telling_points(first, second, 3)
    assert chosen[0] == 7
    assert weights[0] > 5 * weights[1]


def test_nearer_group_wins_and_ceiling_leaves_each_shape_out() -> None:
    points, weights = torch.zeros(4, 3), torch.ones(4)
    ones = torch.ones(4, 4, dtype=torch.bool)
    apart = NearestShapes(points, weights, (ones, ~ones))
    assert apart.ceiling() == 1
    assert apart.lead(ones[:1]) > 0 > apart.lead(~ones[:1])
    # Shapes that all differ are each nearest to themselves, which must not count.
    same = torch.eye(4, dtype=torch.bool)
    assert NearestShapes(points, weights, (same, same)).ceiling() < 0.5


def test_judge_knows_true_chairs_and_resumes(tmp_path: Path) -> None:
    rows = Rows(tmp_path)
    judge = Judge(rows, NullProgress(), shapes=40, attributes=[CHAIR])
    assert judge.ceilings({})[CHAIR.label]["ceiling"] > 0.9
    chairs = (make_shape("chair", i) for i in range(100))
    unseen = [shape for shape in chairs if shows(shape, CHAIR, "low-backed")][:9]
    tall, low = make_hard_set(1)[:2]
    points = judge.points(low)
    assert points is not None
    insides = [Solid(shape.parts).field(points) > 0 for shape in unseen]
    assert sum(judge.right(low, inside, None) for inside in insides) >= 7
    assert all(judge.right(low, x, None) != judge.right(tall, x, None) for x in insides)
    again = Judge(rows, NullProgress(), shapes=40, attributes=[CHAIR])
    assert torch.equal(again.nearest[CHAIR].points, judge.nearest[CHAIR].points)


def test_larger_share_of_the_surface_decides_between_colours() -> None:
    red, blue = COLOUR_NAMES.index("red"), COLOUR_NAMES.index("blue")
    shares = colour_shares(np.array([red, red, blue, 0]))
    assert shares["red"] == 0.5
    assert shares["blue"] == 0.25
    assert sum(shares.values()) == 1


@pytest.mark.parametrize("name", SOLVERS)
def test_recipes_spend_exactly_what_they_may(name: str) -> None:
    for evaluations in (3, 4):
        for recipe in recipes(SOLVERS[name], UniformSchedule(), evaluations, 3.0):
            assert spending(recipe)[0] == evaluations


def test_euler_at_four_evaluations_can_guide_any_one_of_three_steps_or_both_of_two() -> None:
    found = list(recipes(SOLVERS["Euler"], UniformSchedule(), 4, 3.0))
    guided = {(r.steps, tuple(round(t, 3) for t in spending(r)[1])) for r in found}
    assert guided == {
        (4, ()),
        (2, (1.0, 0.5)),
        (3, (1.0,)),
        (3, (0.667,)),
        (3, (0.333,)),
    }


def test_recipe_on_another_schedule_guides_the_same_steps() -> None:
    for recipe in recipes(SOLVERS["Euler"], UniformSchedule(), 5, 3.0):
        other = moved(recipe, SCHEDULES["shift 2"])
        assert spending(other)[0] == 5
        times = UniformSchedule().grid(recipe.steps).tolist()
        shifted = SCHEDULES["shift 2"].grid(recipe.steps).tolist()
        before = [times.index(t) for t in spending(recipe)[1]]
        assert [shifted.index(t) for t in spending(other)[1]] == before


def _outcome(right: list[bool], chamfer: float) -> Outcome:
    return Outcome(2, np.array(right), np.full(len(right), chamfer), np.zeros(len(right)))


def test_student_keeps_a_share_of_the_teacher() -> None:
    teacher = _outcome([True] * 8 + [False] * 2, 0.1)
    row = kept(_outcome([True] * 7 + [False] * 3, 0.11), teacher)
    assert row["accuracy_kept"] == pytest.approx(7 / 8)
    assert row["accuracy_kept_above_chance"] == pytest.approx(2 / 3)
    assert row["chamfer_ratio"] == pytest.approx(1.1)
    assert row["accuracy_kept_low"] < 7 / 8 <= row["accuracy_kept_high"]
    same = kept(teacher, teacher)
    assert same["accuracy_kept"] == same["accuracy_kept_low"] == same["accuracy_kept_high"] == 1


def test_beating_is_being_right_more_often_without_straying() -> None:
    def outcome(right: int, chamfer: float = 0.03, rms: float = 0.2) -> Outcome:
        flags = np.arange(100) < right
        return Outcome(2, flags, np.full(100, chamfer), np.full(100, rms))

    student = outcome(90)
    assert beats(student, outcome(70), 0.04)
    assert not beats(student, outcome(100), 0.04)
    assert beats(student, outcome(100, chamfer=0.05), 0.04)
    assert not beats(student, outcome(70), 0.02)
    # A distance below the teacher's is no merit, nor a lead of one ask in a hundred: then latents
    # decide.
    assert beats(student, outcome(91, chamfer=0.01, rms=0.3), 0.04)
    assert not beats(student, outcome(89, rms=0.1), 0.04)
    assert not beats(student, student, 0.04)


def test_nearest_shape_is_found_and_distance_to_itself_is_zero() -> None:
    clouds = torch.randn(6, 300, 3, generator=torch.Generator().manual_seed(0))
    clouds = unit_clouds(clouds * torch.linspace(0.2, 1, 6)[:, None, None].pow(torch.arange(3)))
    assert nearest_distance(clouds[4], clouds) == pytest.approx(0, abs=1e-6)
    assert nearest_distance(clouds[4], clouds[:4]) > 0.01


def test_picture_shows_lines_and_marks() -> None:
    panel = Panel(
        "accuracy", {"Euler": [(1, 0.5), (4, 0.8)]}, {"2 steps": (2, 0.9)}, {"teacher": 0.85}
    )
    picture = draw_panels([panel, panel])
    for colour in ((31, 119, 180), (204, 51, 17)):
        where = (picture == colour).all(-1)
        left, right = np.array_split(where, 2, axis=1)
        assert left.any()
        assert right.any()


def test_gains_are_held_to_what_a_fit_starts_from() -> None:
    errors = {
        "uniform, 5 steps": 0.4,
        "BOSS, 5 steps": 0.3,
        "CFG, 5 steps": 0.4,
        "RAAG, 5 steps": 0.5,
        "CFG-Zero*, 5 steps": 0.4,
        "Euler, 4 steps, guided [0]": 0.8,
        "Euler, 4 steps, guided [1]": 0.6,
        "search": 0.3,
        "bespoke": 0.15,
    }
    figures = study_figures({name: {"latent_rms": error} for name, error in errors.items()})
    assert figures == pytest.approx(
        {
            "boss_gain": 0.25,
            "raag_gain": -0.25,
            "zero_star_gain": 0,
            "s3_gain": 0.5,
            "bespoke_gain": 0.75,
        }
    )


def test_page_of_methods_takes_figures_and_admits_what_is_missing() -> None:
    source = Path(__file__).parents[2] / "docs" / "methods" / "make_flow.py"
    fill = runpy.run_path(str(source))["fill"]
    text = "kept {{accuracy_kept:.2f}} of {{teacher_accuracy}}; {{rbf_wins:.0f}}"
    figures = {"accuracy_kept": 0.964, "teacher_accuracy": 0.9}
    assert fill(text, figures) == "kept 0.96 of 0.9; not measured"


def test_unknown_part_is_refused() -> None:
    with pytest.raises(InputError, match="no part speed"):
        bench_sample(parts=["speed"])


def test_bench_measures_students_and_solvers_and_resumes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        sample_parts, "time_row", lambda *_, **__: {"warm_text_s": 1.0, "cold_text_s": 2.0}
    )
    solvers = SolverSizes(("Euler",), few=(3, 4), many=(8,), tuning_asks=2, asks=2, asks_at_many=2)
    sizes = SampleSizes(
        pairs=1, asks=2, teacher_steps=2, true_shapes=30, held_out=3, solvers=solvers
    )

    def run():
        return bench_sample(
            parts=("students", "solvers"),
            sizes=sizes,
            cache=tmp_path,
            plot=tmp_path / "plot.png",
            device="cpu",
        )

    report = run()
    figures = report.figures
    assert {"accuracy_kept", "chamfer_ratio", "students_win", "ceiling"} <= set(figures)
    assert {"steps5_accuracy_kept", "warm_text_s", "steps1_beaten"} <= set(figures)
    assert all(np.isfinite(value) for value in figures.values())
    assert (tmp_path / "plot.png").exists()
    monkeypatch.setattr(HardSetBench, "sample", lambda *_: pytest.fail("sampled what was there"))
    assert run().figures == figures
