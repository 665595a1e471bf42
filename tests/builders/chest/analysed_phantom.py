"""A phantom study with pixels on disk, and a reading of it: the phantom's own truth, and the rest.

What a viewer, a validator or PACS is shown in the tests: quick, and the same each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from pydicom import Dataset, dcmread

from chest.values.regions import ChestRegions
from chest.values.territory import Boundary, Territories
from phantom import TYPICAL_LESIONS, Phantom, make_phantom, phantom_grid
from phantom.identity import StudyIdentity
from phantom.study import write_phantom_study
from radiology.encoding_profile import EncodingChoice, EncodingProfile
from tests.builders.chest.chest_pairs import LOBES
from tests.unit.worker.encode.encoded_chest import (
    ChestContext,
    figures_of,
    remade,
    result_context,
)
from tests.unit.worker.encode.full_reading import completed
from worker.encode import (
    EncodedKind,
    EncodedObject,
    encode_results,
    plan_results,
)
from worker.series.decode_volume import decode_volume
from worker.series.read_series import read_series

KINDS = ("positive", "negative", "not assessable")
"""Kinds of study: what the reading of it ends with."""

PROFILES = tuple(one.value for one in EncodingProfile)
"""Encoding profiles of a destination."""


@dataclass(frozen=True)
class AnalysedStudy:
    """Source instances and what was made of them.

    Attributes
    ----------
    files : the source as a scanner would send it
    context : all that encoding needs, on the voxels decoded from `files`
    phantom : where the lesions truly are
    """

    files: tuple[Path, ...]
    context: ChestContext
    phantom: Phantom

    def encoded(self, profile: str) -> tuple[EncodedObject, ...]:
        """The objects that a destination of a profile gets, in the order of sending."""
        choice = EncodingChoice(EncodingProfile(profile))
        return encode_results(self.context, plan_results(self.context, choice))

    def object(self, kind: EncodedKind, *, profile: str = "viewer") -> Dataset:
        """The only object of a kind.

        Raises
        ------
        LookupError
            The profile has none for this study, or several.
        """
        found = [one.dataset for one in self.encoded(profile) if one.kind is kind]
        if len(found) != 1:
            raise LookupError(f"{len(found)} objects of kind {kind}")
        return found[0]


@cache
def _phantom(with_lesions: bool, shape: tuple[int, int, int]) -> Phantom:
    slices, rows, columns = shape
    grid = phantom_grid(shape, (288.0 / slices, 358.0 / rows, 358.0 / columns))
    return make_phantom(grid=grid, lesions=TYPICAL_LESIONS if with_lesions else (), twigs=60)


def analysed_phantom(
    kind: str,
    folder: Path,
    *,
    enhanced: bool = False,
    shape: tuple[int, int, int] = (36, 128, 128),
    salt: str = "",
) -> AnalysedStudy:
    """Write a phantom study and read it as `kind` says.

    Parameters
    ----------
    kind : one of `KINDS`
    folder : for the source instances
    enhanced : one Enhanced CT instance in place of CT images
    shape : slices, rows and columns
    salt : anything, to get another study of the same chest
    """
    phantom = _phantom(kind != "negative", shape)
    identity = StudyIdentity.of(phantom, salt=f"{kind}, {enhanced}, {salt}")
    files = write_phantom_study(phantom, folder, identity=identity, multi_frame=enhanced)
    (series,) = read_series(files)
    headers = [dcmread(path, stop_before_pixels=True) for path in files]
    volume = decode_volume(series, dict(_by_uid(headers, files)))
    regions = ChestRegions(lungs=phantom.lungs, lesions=phantom.lesions)
    areas = np.count_nonzero(regions.lesions if kind == "positive" else regions.lungs, axis=(1, 2))
    model = result_context(kind)
    reading = replace(
        model.chest,
        regions=regions,
        figures=figures_of(volume, regions),
        key_slice=int(np.argmax(areas)),
    )
    boundary = Boundary("right horizontal fissure", 0.9, True, "confidence 0.90")
    divided = Territories(phantom.lobes, LOBES, (boundary,))
    reading = completed(reading, volume, divided)
    context = remade(model, headers=headers, volume=volume, chest=reading)
    return AnalysedStudy(files, context, phantom)


def _by_uid(headers: Sequence[Dataset], files: Sequence[Path]) -> list[tuple[str, Path]]:
    return [(str(header.SOPInstanceUID), path) for header, path in zip(headers, files, strict=True)]
