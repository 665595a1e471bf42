"""The folds: every drawn scan is left out once, as `folds.toml` says."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from training.data.slices import SliceSet

FOLDS_FILE = Path(__file__).with_name("folds.toml")


class FoldMismatch(Exception):
    """The folds do not leave out each scan of the data once."""


@dataclass(frozen=True, slots=True)
class Fold:
    """Names of the scans that a fold leaves out, by set."""

    covid_seg20: frozenset[str]
    lctsc: frozenset[str]
    without_pneumonia: frozenset[str]


NOTHING_LEFT_OUT = Fold(frozenset(), frozenset(), frozenset())


def read_folds(path: Path = FOLDS_FILE) -> tuple[Fold, ...]:
    """Read the committed folds."""
    with path.open("rb") as file:
        entries = tomllib.load(file)["fold"]
    return tuple(
        Fold(
            frozenset(entry["covid_seg20"]),
            frozenset(entry["lctsc"]),
            frozenset(entry["without_pneumonia"]),
        )
        for entry in entries
    )


def check_folds(
    folds: tuple[Fold, ...], seg20: SliceSet, lctsc: SliceSet, without_pneumonia: SliceSet
) -> None:
    """Check that each scan is left out once.

    Raises
    ------
    FoldMismatch
        One is left out twice, or never, or is not in the data.
    """
    for slices, named in (
        (seg20, [name for fold in folds for name in fold.covid_seg20]),
        (lctsc, [name for fold in folds for name in fold.lctsc]),
        (without_pneumonia, [name for fold in folds for name in fold.without_pneumonia]),
    ):
        if sorted(named) != sorted(set(slices.sources)):
            raise FoldMismatch(f"{slices.name}: the folds and the data name other scans")


def left_out(slices: SliceSet, names: frozenset[str]) -> SliceSet:
    """The slices of the scans that a fold leaves out."""
    return slices.where(lambda source: source in names)


def kept(slices: SliceSet, names: frozenset[str]) -> SliceSet:
    """The slices of all other scans."""
    return slices.where(lambda source: source not in names)
