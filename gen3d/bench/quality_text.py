"""Whether shapes are of the category and the colour that was asked for.

The category is that of the nearest training shapes, see :mod:`gen3d.bench.category_judge`; the
judge's accuracy on true held-out shapes is the ceiling. The colour is the basic colour that covers
most of the surface. A sample without a surface is wrong in everything and counts as stray.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gen3d.bench.bootstrap import Estimate, mean_of, share_of
from gen3d.bench.quality_context import Made, PartResult, QualityContext, Tile, tile_of
from gen3d.bench.quality_prompts import make_paraphrases, make_prompts, make_unseen
from gen3d.bench.quality_retrieval import text_retrieval
from gen3d.bench.rows import Table


@dataclass(frozen=True)
class Judged:
    """Samples with what they were taken for.

    Attributes:
        made: Prompts and samples.
        seen: Category of each; "" without a surface.
    """

    made: Made
    seen: list[str]

    @property
    def category_right(self) -> list[bool]:
        """Whether each shape is of the category."""
        return [p.category == seen for p, seen in zip(self.made.prompts, self.seen, strict=True)]

    @property
    def colour_right(self) -> list[bool]:
        """Whether each shape's dominant colour is the one named."""
        pairs = zip(self.made.prompts, self.made.samples, strict=True)
        return [s is not None and s.colour == p.colour for p, s in pairs]

    @property
    def both_right(self) -> list[bool]:
        """Whether category and colour are right."""
        return [a and b for a, b in zip(self.category_right, self.colour_right, strict=True)]

    def wrongs(self) -> list[str]:
        """Say of each sample what is wrong."""
        said = []
        for prompt, sample, seen in zip(
            self.made.prompts, self.made.samples, self.seen, strict=True
        ):
            faults = [] if seen == prompt.category else [f"seen as {seen or 'nothing'}"]
            if sample is not None and sample.colour != prompt.colour:
                faults.append(f"{sample.colour}, not {prompt.colour}")
            if sample is not None and sample.stray:
                faults.append("stray pieces")
            said.append("; ".join(faults))
        return said


def judge(context: QualityContext, made: Made) -> Judged:
    """Name the category of each sample."""
    names = iter(context.judge.names(made.clouds) if made.shown else ())
    return Judged(made, ["" if sample is None else next(names) for sample in made.samples])


def text_part(context: QualityContext) -> PartResult:
    """Measure plain prompts: a category and a colour."""
    sizes = context.sizes
    prompts = make_prompts(sizes.per_category, split=context.split, categories=sizes.categories)
    judged = judge(context, context.made(prompts, "generating"))
    ceiling = judge_ceiling(context)
    samples = judged.made.samples
    accuracy = share_of(judged.category_right)
    figures = {
        "category_accuracy": accuracy,
        "category_ceiling": ceiling,
        "category_ratio": Estimate.plain(accuracy.value / max(ceiling.value, 1e-9), accuracy.count),
        "named_colour_accuracy": share_of(judged.colour_right),
        "floater_rate": share_of([s is None or s.stray > 0 for s in samples]),
        "cavity_rate": share_of([s is None or s.cavities > 0 for s in samples]),
        "watertight_rate": share_of([s is not None and s.watertight for s in samples]),
        "few_components_rate": share_of([s is not None and s.components <= 3 for s in samples]),
        "empty_rate": share_of([s is None for s in samples]),
    }
    if judged.made.shown:
        seconds = np.array([sample.seconds for _, sample in judged.made.shown])
        figures["seconds_per_sample"] = mean_of(seconds)
        figures |= text_retrieval(context.judge, judged.made)
    return PartResult(
        figures,
        [_by_category(judged, sizes.categories)],
        gallery={"Plain prompts": gallery_of(judged)},
    )


def unseen_part(context: QualityContext) -> PartResult:
    """Measure combinations that training never had, and sentences of a form that it never had."""
    sizes, result = context.sizes, PartResult()
    asked = {
        "unseen_combination": (
            "Unseen combinations",
            make_unseen(split=context.split, categories=sizes.categories),
        ),
        "paraphrase": (
            "Paraphrases",
            make_paraphrases(sizes.paraphrases, split=context.split, categories=sizes.categories),
        ),
    }
    for name, (title, prompts) in asked.items():
        if not prompts:
            result.notes[f"{name}_accuracy"] = "not measured: there are no such prompts"
            continue
        judged = judge(context, context.made(prompts, title.lower()))
        result.figures[f"{name}_accuracy"] = share_of(judged.both_right)
        result.figures[f"{name}_category_accuracy"] = share_of(judged.category_right)
        result.figures[f"{name}_colour_accuracy"] = share_of(judged.colour_right)
        result.gallery[title] = gallery_of(judged)
    return result


def judge_ceiling(context: QualityContext) -> Estimate:
    """Return the judge's accuracy on true held-out shapes."""
    names = context.judge.names(context.held_out_clouds)
    pairs = zip(names, context.held_out.categories, strict=True)
    return share_of([name == category for name, category in pairs])


def gallery_of(judged: Judged) -> list[Tile]:
    """Return the pictures of judged samples."""
    made = judged.made
    rows = zip(made.prompts, made.samples, judged.wrongs(), strict=True)
    return [tile_of(sample, prompt.text, wrong) for prompt, sample, wrong in rows]


def _by_category(judged: Judged, categories: Sequence[str]) -> Table:
    rows = []
    entries = list(
        zip(
            judged.made.prompts,
            judged.made.samples,
            judged.category_right,
            judged.colour_right,
            strict=True,
        )
    )
    for category in categories:
        own = [entry for entry in entries if entry[0].category == category]
        right, coloured = sum(entry[2] for entry in own), sum(entry[3] for entry in own)
        stray = sum(entry[1] is None or entry[1].stray > 0 for entry in own)
        rows.append([category, *(f"{n}/{len(own)}" for n in (right, coloured, stray))])
    return "by category", ("category", "recognised", "named colour", "stray pieces"), rows
