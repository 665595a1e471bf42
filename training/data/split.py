"""The split of the slices: for training, for tuning, and for scoring only.

The split is by image source, is written in `splits.toml` beside this module, and that file is
committed: a change of it changes what the figures mean.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from training.data.slices import SliceSet

SPLITS_FILE = Path(__file__).with_name("splits.toml")


class SplitMismatch(Exception):
    """The data folder is not the one that the split was written for."""


@dataclass(frozen=True)
class Parts:
    """One set of slices in its three parts."""

    train: SliceSet
    validation: SliceSet
    held_out: SliceSet


def sources_digest(slices: SliceSet) -> str:
    """sha256 over sources and pixels of a set, in order; says which data a split belongs to."""
    digest = hashlib.sha256()
    for source, hu, lesion in zip(slices.sources, slices.hu, slices.lesion, strict=True):
        digest.update(source.encode())
        digest.update(hu.tobytes())
        digest.update(lesion.tobytes())
    return digest.hexdigest()


def read_splits(path: Path = SPLITS_FILE) -> Mapping[str, Mapping[str, object]]:
    """Read the committed split: one table per set."""
    with path.open("rb") as file:
        return tomllib.load(file)


def _names(table: Mapping[str, object], key: str) -> frozenset[str]:
    value = table.get(key, [])
    if not isinstance(value, list):
        raise SplitMismatch(f"{key} is not a list")
    return frozenset(str(name) for name in value)


def divide(slices: SliceSet, splits: Mapping[str, Mapping[str, object]]) -> Parts:
    """Divide a set as the split file says.

    Raises
    ------
    SplitMismatch
        The split names a source that is not there, names one twice, or was written for other
        pixels.
    """
    table = splits[slices.name]
    validation, held_out = _names(table, "validation"), _names(table, "held_out")
    unknown = (validation | held_out) - set(slices.sources)
    if unknown:
        raise SplitMismatch(f"{slices.name}: not in the data: {', '.join(sorted(unknown))}")
    if validation & held_out:
        raise SplitMismatch(f"{slices.name}: a source stands in two parts")
    expected = table.get("sha256")
    found = sources_digest(slices)
    if expected != found:
        raise SplitMismatch(f"{slices.name}: sha256 is {found}, the split was for {expected}")
    return Parts(
        train=slices.where(lambda source: source not in validation | held_out),
        validation=slices.where(lambda source: source in validation),
        held_out=slices.where(lambda source: source in held_out),
    )
