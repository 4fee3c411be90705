"""The quality bench on a model that makes true shapes, and on one that makes other ones."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from gen3d.bench import quality
from gen3d.bench.image_subjects import Subject
from gen3d.bench.quality import bench_quality
from gen3d.bench.quality_context import QualitySizes
from gen3d.bench.quality_images import image_figures
from gen3d.bench.quality_retrieval import nearest_own
from gen3d.bench.quality_samples import Sample, SampleStore, blank_tile, silhouettes_of
from gen3d.data.procedural import make_shape
from gen3d.data.procedural.recognise import classify, unit_clouds
from gen3d.data.procedural.solid_mesh import solid_mesh
from gen3d.errors import EmptySurfaceError, InputError, ModelError
from gen3d.geometry.color import BASIC_COLOURS, COLOUR_NAMES
from gen3d.geometry.mesh import Mesh
from gen3d.geometry.sample import sample_surface
from gen3d.runtime.seeds import make_generator

CATEGORIES = ("airplane", "bottle")
SIZES = QualitySizes(
    per_category=2,
    paraphrases=2,
    references=4,
    held_out=2,
    encoder_steps=60,
    image_shapes=2,
    categories=CATEGORIES,
)


class Sampling:
    """Stands for a model's defaults."""

    @staticmethod
    def model_dump() -> dict[str, int]:
        return {"steps": 1}


class Maker:
    """Makes a true shape, wholly in the colour of the prompt.

    Args:
        of: Category to make instead of the one asked for.
        empty: Prompts with this word have no surface.
    """

    name, device, sampling = "maker", "cpu", Sampling()

    def __init__(self, of: str = "", empty: str = "nothing") -> None:
        self.of, self.empty, self.made = of, empty, 0
        self.fingerprint = {"of": of, "empty": empty}

    @property
    def image_encoder(self) -> None:
        raise ModelError("the model 'maker' takes no images")

    def text_to_3d(self, prompt: str, *, seed: int) -> Any:
        self.made += 1
        if self.empty in prompt:
            raise EmptySurfaceError("nothing there")
        category = self.of or next(name for name in CATEGORIES if name in prompt)
        colour = next(name for name in COLOUR_NAMES if name in prompt)
        mesh = solid_mesh(make_shape(category, 3_000_000 + seed), 32)
        painted = np.tile(np.array(BASIC_COLOURS[colour], np.float32), (len(mesh.vertices), 1))
        report = SimpleNamespace(
            floaters_removed=0, cavities_filled=0, components=1, watertight=True
        )
        return SimpleNamespace(mesh=mesh.with_(colors=painted), report=report, seed=seed)


class Copier(Maker):
    """Makes the very shape that a picture of the bench was drawn of; of photographs, bottles."""

    name = "copier"

    @property
    def image_encoder(self) -> None:
        return None

    def image_to_3d(self, image: Any, *, seed: int) -> Any:
        category, number = "bottle", "2000005"
        if isinstance(image, Path):
            category, number = image.stem.split("-")[:2]
        result = self.text_to_3d(f"a red {category}", seed=seed)
        result.mesh = solid_mesh(make_shape(category, int(number)), 64)
        return result


def run(maker: Maker, folder: Path, monkeypatch: pytest.MonkeyPatch, **options: Any) -> Any:
    monkeypatch.setattr(quality, "load", lambda model, device: maker)
    return bench_quality(cache=folder, objects=None, sizes=SIZES, **options)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """True shapes are sampled once."""
    return tmp_path_factory.mktemp("quality")


def test_maker_of_true_shapes_is_right_and_never_made_twice(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    maker, page = Maker(), tmp_path / "report.html"
    parts = ("text", "unseen", "distribution", "images")
    report = run(maker, cache, monkeypatch, parts=parts, html=page)
    figures = report.figures
    for name in ("category_accuracy", "category_ceiling", "named_colour_accuracy"):
        assert figures[name] == 1, name
    assert figures["unseen_combination_accuracy"] == figures["paraphrase_accuracy"] == 1
    assert figures["floater_rate"] == figures["empty_rate"] == 0
    assert figures["text_to_shape_r1"] == figures["shape_to_text_r1"] == 1
    assert figures["nn_train_ratio"] > 0.3
    assert "takes no images" in report.notes["images"]
    assert page.read_text().count("<figure") >= maker.made
    assert report.tables[0][1] == ("figure", "value", "95 % interval", "items")
    before = maker.made
    again = run(maker, cache, monkeypatch, parts=parts)
    assert maker.made == before
    assert again.figures == figures


def test_wrong_shapes_empty_ones_and_val_are_told_apart(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    maker = Maker(of="bottle", empty="airplane")
    figures = run(maker, cache, monkeypatch, parts=("text",), split="val").figures
    assert figures["category_accuracy"] == 0.5
    assert figures["empty_rate"] == figures["floater_rate"] == 0.5
    assert figures["text_to_shape_r1"] == 0.5


def test_copies_of_what_was_drawn_fit_and_bad_photos_are_shown_with_the_reason(
    cache: Path, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (photo.parent / "broken.png").write_bytes(b"no picture")
    page = cache / "images.html"
    report = run(Copier(), cache, monkeypatch, parts=("images",), photos=photo.parent, html=page)
    figures = report.figures
    assert figures["silhouette_iou_shapes"] == 1
    assert figures["image_category_accuracy_shapes"] == figures["image_to_shape_r1_shapes"] == 1
    assert figures["chamfer_vs_retrieval_shapes"] < 1
    assert "silhouette_iou" not in figures
    assert "no folder was given" in report.notes["silhouette_iou"]
    assert "Photographs (2, 1 marked)" in page.read_text()


def test_unknown_parts_and_splits_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unknown part 'txt'"):
        bench_quality(parts=("txt",), cache=tmp_path)
    with pytest.raises(InputError, match="split must be test or val"):
        bench_quality(split="train", cache=tmp_path)


def test_majority_of_the_nearest_wins_and_ties_go_to_the_nearer() -> None:
    distances = torch.tensor([[0.1, 0.2, 0.3, 9.0, 9.0], [0.1, 0.2, 0.3, 0.4, 9.0]])
    assert classify(distances, ["a", "b", "b", "c", "c"], 3) == ["b", "b"]
    assert classify(distances, ["a", "b", "b", "a", "c"], 4)[1] == "a"


def slab(turned: bool = False) -> Mesh:
    """A box whose quarter turn about the vertical is another one."""
    x, z = (0.2, 1.0) if turned else (1.0, 0.2)
    corners = [(a, b, c) for a in (0, x) for b in (0, 0.5) for c in (0, z)]
    faces = [(0, 1, 3), (0, 3, 2), (4, 6, 7), (4, 7, 5), (0, 4, 5), (0, 5, 1)]
    faces += [(2, 3, 7), (2, 7, 6), (0, 2, 6), (0, 6, 4), (1, 5, 7), (1, 7, 3)]
    return Mesh(np.array(corners, np.float32), np.array(faces))


def cloud_of(mesh: Mesh, seed: int) -> torch.Tensor:
    points = torch.from_numpy(sample_surface(mesh, 400, make_generator(seed)).points)
    return unit_clouds(points.float()[None])[0]


def sample_of(mesh: Mesh) -> Sample:
    return Sample(
        points=cloud_of(mesh, 1).numpy(),
        names=np.zeros(400, np.uint8),
        colour="black",
        stray=0,
        cavities=0,
        components=1,
        watertight=True,
        silhouettes=silhouettes_of(mesh),
        inside=np.zeros(0, bool),
        tile=blank_tile(),
        seconds=1.0,
    )


def subject_of(mesh: Mesh) -> Subject:
    return Subject("slab", "slab", Path("slab.png"), cloud_of(mesh, 2), silhouettes_of(mesh))


def test_same_shape_beats_retrieval_and_a_turned_one_only_by_turning() -> None:
    subjects = [subject_of(slab()), subject_of(slab(turned=True))]
    known = torch.stack([cloud_of(slab(turned=True), 3) * 0.5 + 0.1])
    same = image_figures(subjects, [sample_of(slab()), sample_of(slab(turned=True))], known)
    assert same["silhouette_iou"].value == 1
    assert same["image_to_shape_r1"].value == 1
    assert same["chamfer_vs_retrieval"].value < 0.5
    turned = image_figures(subjects, [sample_of(slab(turned=True)), None], known)
    assert turned["silhouette_iou"].value < 0.4
    assert turned["silhouette_iou_turned"].value == pytest.approx(0.5)
    assert turned["image_to_shape_r1"].value == 0


def test_row_is_its_own_where_the_diagonal_is_least() -> None:
    assert nearest_own(torch.tensor([[0.1, 0.2], [0.3, 0.4]])) == [True, False]


def test_stored_sample_is_what_was_measured(tmp_path: Path) -> None:
    store, maker = SampleStore(tmp_path), Maker()
    labels = np.array([True, False, True])

    def make() -> Any:
        return maker.text_to_3d("a red bottle", seed=4)

    first = store.get("key", make, inside=lambda: labels)
    again = store.get("key", make, inside=lambda: ~labels)
    assert first is not None and again is not None and maker.made == 1
    assert again.inside.tolist() == labels.tolist()
    assert again.colour == "red"
    assert again.silhouettes.any() and not again.silhouettes.all()
    assert {COLOUR_NAMES[i] for i in again.names.tolist()} == {"red"}
