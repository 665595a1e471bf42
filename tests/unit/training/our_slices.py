"""Drawn slices in the place of our own training data."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from tests.builders.stored.site_folder import chest
from training.chest.scores.network import SIZE as SCORE_SIZE
from training.chest.stages import ChestCorpus
from training.data.figures import CovidCt, FigureSet
from training.data.lung_sides import split_lung_sides
from training.data.slices import GRID, LESION_OF_UNKNOWN_KIND, SliceSet
from training.data.split import Parts
from training.segmentation.stages import Corpus


def slices(name: str, first: int, count: int, side: int = GRID) -> SliceSet:
    """So many of those that are drawn from a number on."""
    drawn = [chest(1000 + first + number, side) for number in range(count)]
    return SliceSet(
        name=name,
        hu=np.stack([grey * 6.0 - 1150.0 for grey, _, _ in drawn]).astype(np.float16),
        lung=np.stack([split_lung_sides(lung > 0) for _, _, lung in drawn]),
        lesion=np.stack([lesion for _, lesion, _ in drawn]),
        sources=tuple(f"{name}{number}" for number in range(count)),
        true_hu=False,
    )


def parts(name: str, first: int) -> Parts:
    """Five to train on, one to watch, three held out."""
    whole = slices(name, first, 9)
    return Parts(*(whole.at(np.arange(*ends)) for ends in ((0, 5), (5, 6), (6, 9))))


def figures(first: int, count: int = 4, side: int = GRID) -> FigureSet:
    """Half of them show COVID-19."""
    viral = (np.arange(count) % 2).astype(np.int8)
    signs = np.full((count, 5), -1, dtype=np.int8)
    return FigureSet(slices("covid-ct", first, count, side), viral, signs)


def covid_ct(side: int = GRID) -> CovidCt:
    """Sixteen figures to train on, so that eight of either label can be drawn; four to score."""
    return CovidCt(train=figures(80, 16, side), val=figures(100, side=side))


def corpus_of_schema_2() -> Corpus:
    """What bundles of schema 2 are trained on."""
    pseudo = parts("pseudo", 40)
    drawn = (pseudo.train.lesion * LESION_OF_UNKNOWN_KIND).astype(np.uint8)
    return Corpus(
        lungs2d=parts("lungs2d", 0),
        doctors=parts("doctors", 20),
        pseudo=replace(pseudo, train=replace(pseudo.train, lesion=drawn)),
        negatives=parts("negatives", 60),
    )


def corpus_of_schema_3() -> ChestCorpus:
    """What the chest bundle of schema 3 is trained on."""
    return ChestCorpus(
        seg20=slices("covid-seg20", 120, 6),
        lctsc=slices("lctsc", 140, 4),
        lungs2d=parts("lungs2d", 0),
        doctors=parts("doctors", 20),
        negatives=parts("negatives", 60),
        without_pneumonia=slices("without-pneumonia", 160, 4),
        covid_ct=covid_ct(SCORE_SIZE),
        sars_cov2_ct=figures(180, 6, SCORE_SIZE),
    )


def data_folder(folder: Path) -> Path:
    """A folder of training data with one file in it, for its digest."""
    (folder / "training/some").mkdir(parents=True)
    (folder / "training/some/file").write_text("slices")
    return folder
