"""Reads the sets with labels of whole slices: COVID or not, and the five signs."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.data.slices import GRID, SliceSet, read_figures, read_grey

SIGNS = (
    "ggo",
    "consolidation",
    "crazy_paving",
    "air_bronchogram",
    "interlobular_septal_thickening",
)
"""Columns of COVID-CT, in the order of the classifier's outputs."""

ASKED_OF_NOBODY = -1  # label value: nobody said


@dataclass(frozen=True)
class FigureSet:
    """Slices with answers about the whole of each.

    Attributes
    ----------
    slices : `sources` are the patients as far as they are known
    viral : int8, shape (slices,): 1 COVID-19, 0 not, −1 unknown
    signs : int8, shape (slices, 5), in the order of `SIGNS`: 1 seen, 0 not, −1 unknown
    """

    slices: SliceSet
    viral: NDArray[np.int8]
    signs: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.slices)

    def at(self, chosen: NDArray[np.intp]) -> FigureSet:
        """The slices at these places."""
        return FigureSet(self.slices.at(chosen), self.viral[chosen], self.signs[chosen])

    def followed_by(self, other: FigureSet) -> FigureSet:
        """This set and another one, both on squares of one size."""
        one, two = self.slices, other.slices
        slices = replace(
            one,
            hu=np.concatenate([one.hu, two.hu]),
            lung=np.concatenate([one.lung, two.lung]),
            lesion=np.concatenate([one.lesion, two.lesion]),
            sources=one.sources + two.sources,
        )
        return FigureSet(
            slices,
            np.concatenate([self.viral, other.viral]),
            np.concatenate([self.signs, other.signs]),
        )


@dataclass(frozen=True)
class CovidCt:
    """COVID-CT (Yang et al. 2020, arXiv:2003.13865) in the parts of its official split."""

    train: FigureSet
    val: FigureSet

    @property
    def both(self) -> FigureSet:
        """Train and val together."""
        return self.train.followed_by(self.val)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _covid_ct_source(row: dict[str, str]) -> str:
    """The patient where one is named; otherwise the figure's number, as near as we come to one."""
    patient = row["patient_doi"].split("|")[0].strip()
    if patient:
        return patient
    number = re.match(r"\d+", row["original_name"])
    return f"figure {number.group()}" if number else row["original_name"]


def _covid_ct_rows(folder: Path, part: str) -> list[dict[str, str]]:
    return [
        row
        for row in _rows(folder / "labels.csv")
        if row["official_split"] == part and row["exclude_contradictory_duplicate"] == "0"
    ]


def read_covid_ct_images(data: Path, part: str) -> list[NDArray[np.uint8]]:
    """Read the grey images of one part ("train" or "val") as they are, in the order of the set."""
    folder = data / "training/covid_ct"
    return [read_grey(folder / row["file"]) for row in _covid_ct_rows(folder, part)]


def read_covid_ct(data: Path, size: int = GRID) -> CovidCt:
    """Read COVID-CT without the images that stand in both classes, on squares of `size`."""
    folder = data / "training/covid_ct"
    parts = {}
    for part in ("train", "val"):
        rows = _covid_ct_rows(folder, part)
        slices = read_figures(f"covid-ct-{part}", [folder / row["file"] for row in rows], size)
        signs = np.array([[int(row[sign]) for sign in SIGNS] for row in rows], dtype=np.int8)
        viral = np.array([int(row["covid"]) for row in rows], dtype=np.int8)
        # Signs were noted for the COVID images alone; zero elsewhere means that nobody looked.
        signs[viral == 0] = ASKED_OF_NOBODY
        sources = tuple(_covid_ct_source(row) for row in rows)
        parts[part] = FigureSet(replace(slices, sources=sources), viral, signs)
    return CovidCt(**parts)


def _without_signs(slices: SliceSet, viral: NDArray[np.int8]) -> FigureSet:
    signs = np.full((len(slices), len(SIGNS)), ASKED_OF_NOBODY, dtype=np.int8)
    return FigureSet(slices, viral, signs)


def read_sars_cov2_ct(data: Path, size: int = GRID) -> FigureSet:
    """Read SARS-CoV-2 CT-scan (Soares et al. 2020) on squares; it names no patients."""
    folder = data / "training/sars_cov2_ct"
    rows = _rows(folder / "labels.csv")
    slices = read_figures("sars-cov2-ct", [folder / row["file"] for row in rows], size)
    return _without_signs(slices, np.array([int(row["covid"]) for row in rows], dtype=np.int8))


def read_weak_pneumonia(data: Path) -> FigureSet:
    """Read the folder of pneumonia of mixed origin: viral or not, nobody said."""
    paths = sorted((data / "training/weak/pneumonia").glob("*.jpg"))
    slices = read_figures("weak-pneumonia", paths)
    return _without_signs(slices, np.full(len(slices), ASKED_OF_NOBODY, dtype=np.int8))
