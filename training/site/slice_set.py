"""Puts a site's slices on the grid that the networks see, and says what can be learnt of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from chest.grey_levels import OUTSIDE_HU
from models.schema_2.preprocess import SquareFit
from radiology.errors import SettingsRefused
from training.data.figures import SIGNS, FigureSet
from training.data.lung_sides import split_lung_sides
from training.data.slices import GRID, UNKNOWN, SliceSet
from training.segmentation.self_train import lungs_with_lesions
from training.site.cases import SiteSlice

Bytes = NDArray[np.uint8]
LungsSeen = Callable[[SliceSet], NDArray[np.bool_]]
"""Lungs as the base's network sees them, shape (slices, 256, 256)."""

_LEAST_OF_A_CLASS = 2  # slices; with fewer a batch would show the same one again and again


@dataclass(frozen=True, slots=True)
class Learnable:
    """What the slices that are not held out say something about.

    Attributes
    ----------
    lesions : whether lesions were drawn
    scores : whether labels of slices suffice: two of either class
    """

    lesions: bool
    scores: bool

    @property
    def words(self) -> str:
        """As the report has it."""
        named = (("segmentation", self.lesions), ("classification", self.scores))
        return " and ".join(name for name, learns in named if learns)


def learnable(slices: Sequence[SiteSlice]) -> Learnable:
    """What can be learnt of slices.

    Raises
    ------
    SettingsRefused
        Nothing.
    """
    found = Learnable(
        lesions=any(one.mask is not None for one in slices),
        scores=fewer_of_a_class(labels_of(slices)) >= _LEAST_OF_A_CLASS,
    )
    if not found.words:
        raise SettingsRefused(
            "Nothing can be learnt: no masks, and not two labelled slices of either class among "
            "the cases that are not held out"
        )
    return found


def labels_of(slices: Sequence[SiteSlice]) -> NDArray[np.int8]:
    """1 COVID-19, 0 not, −1 nobody said; shape (slices,)."""
    return np.array([one.viral for one in slices], dtype=np.int8)


def fewer_of_a_class(viral: NDArray[np.int8]) -> int:
    """How many slices of either class there are at least."""
    return min(int((viral == label).sum()) for label in (0, 1))


def slice_set(slices: Sequence[SiteSlice], lungs_seen: LungsSeen) -> SliceSet:
    """Put slices on the grid that the networks see.

    Lungs that nobody drew are those that the network sees, with the lesions drawn in them.
    """
    hu, lesion, lung, true_hu = [], [], [], []
    for case_slice in slices:
        picture = case_slice.picture()
        fitted = SquareFit.of(picture.shape, picture.spacing_mm, GRID)
        hu.append(fitted.to_square(picture.hu, OUTSIDE_HU).astype(np.float16))
        drawn = (
            case_slice.lesion(picture)
            if case_slice.mask
            else np.full(picture.shape, UNKNOWN, np.uint8)
        )
        lesion.append(_on_square(drawn, fitted, 0 if case_slice.mask else UNKNOWN))
        lungs = case_slice.lung(picture)
        lung.append(None if lungs is None else split_lung_sides(_on_square(lungs, fitted, 0) > 0))
        true_hu.append(picture.true_hu)
    labels = np.stack(lesion)
    sources = tuple(one.case for one in slices)
    # One word for all: slices whose grey scale is doubted are varied more.
    doubted = SliceSet(
        "site", np.stack(hu), np.full_like(labels, UNKNOWN), labels, sources, all(true_hu)
    )
    disease = (labels > 0) & (labels != UNKNOWN)
    found = [
        lungs_with_lesions(mask, ill) if given is None else given
        for given, mask, ill in zip(lung, lungs_seen(doubted), disease, strict=True)
    ]
    return replace(doubted, lung=np.stack(found))


def whole_slices(slices: Sequence[SiteSlice], size: int) -> FigureSet:
    """Slices as wholes, on squares of `size`, without what was drawn in them."""
    hu, true_hu = [], []
    for one in slices:
        picture = one.picture()
        fitted = SquareFit.of(picture.shape, picture.spacing_mm, size)
        hu.append(fitted.to_square(picture.hu, OUTSIDE_HU).astype(np.float16))
        true_hu.append(picture.true_hu)
    nothing = np.full((len(hu), size, size), UNKNOWN, dtype=np.uint8)
    sources = tuple(one.case for one in slices)
    return with_labels(
        slices, SliceSet("site", np.stack(hu), nothing, nothing, sources, all(true_hu))
    )


def with_labels(slices: Sequence[SiteSlice], site: SliceSet) -> FigureSet:
    """The same slices with what is known of each as a whole; of signs nobody said anything."""
    signs = np.full((len(site), len(SIGNS)), -1, dtype=np.int8)
    return FigureSet(site, labels_of(slices), signs)


def _on_square(drawn: NDArray[np.generic], fitted: SquareFit, outside: int) -> Bytes:
    small = Image.fromarray(drawn.astype(np.uint8)).resize(
        (fitted.width, fitted.height), Image.Resampling.NEAREST
    )
    square = np.full((GRID, GRID), outside, dtype=np.uint8)
    rows = slice(fitted.top, fitted.top + fitted.height)
    square[rows, fitted.left : fitted.left + fitted.width] = np.asarray(small)
    return square
