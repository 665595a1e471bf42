"""A study with the slices of a phantom: what the viewer of the study page shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from chest.values.reading import ChestReading
from radiology.image.heat_map import HeatMap
from radiology.urgency import Urgency
from tests.builders.stored.written import write_here
from tests.unit.worker.encode.encoded_chest import (
    Chest,
    ChestContext,
    result_context,
    with_chest,
)
from tests.unit.worklist.list.ordinary_day import SEVERE
from tests.unit.worklist.seeding import SeededHospital
from tests.unit.worklist.study.full_reading import full_reading
from worker.keep.keep_slices import keep_slices, packed_slices

CHEST = Chest(spacing_mm=(4.0, 3.0, 3.0), shape=(40, 88, 100))
LESION_PLACE = (65.0, 25.0, 15.0)  # the middle of the phantom's consolidation on the left


@dataclass(frozen=True)
class StudyWithSlices:
    """A seeded study and what lies beside its key picture."""

    uid: str
    result_id: int
    slices: Path


def phantom(chest: Chest = CHEST) -> ChestContext:
    """A reading of the phantom with a lesion that has a name, and a heat map on each slice."""
    context = result_context(chest=chest)
    heat = HeatMap(np.full((4, 4), 220, np.uint8), 20.0, 20.0, 40.0, 40.0)
    maps = dict.fromkeys(range(chest.shape[0]), heat)
    return replace(with_chest(context, heat_maps=maps), lesion_places={1: LESION_PLACE})


def study_with_slices(
    hospital: SeededHospital,
    *,
    into: str | None = None,
    reading: ChestReading | None = None,
    more: Mapping[str, Any] | None = None,
    shown: ChestContext | None = None,
    **study: Any,
) -> StudyWithSlices:
    """An urgent study, or a newer result of the study `into`.

    Parameters
    ----------
    shown : what the slices are of, in place of the small phantom
    more : facts of the stored reading beside those of `reading`
    """
    uid = hospital.receive(into=into, **study)
    hospital.queue(uid)
    claim = hospital.claim()
    result_id = hospital.answer(
        claim,
        Urgency.URGENT,
        SEVERE,
        destinations=("pacs",),
        reading=reading or full_reading(),
        more=more,
    )
    packed = packed_slices(shown or phantom())
    assert packed is not None
    path = keep_slices(hospital.results_folder, f"job-{claim.job_id}/key", packed, write=write_here)
    return StudyWithSlices(uid, result_id, hospital.results_folder / path)
