"""Read one labelled study as the worker reads it: its answer, and shares by slice and by lobe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread

from chest.lobes import find_territories, measure_territories
from chest.reader import Reader
from chest.values.figures import Side
from chest.values.reading import ChestReading
from chest.values.regions import ChestRegions
from chest.values.territory import Territory
from evaluation.statistics.subgroups import age_group
from firstread.evaluate.study_labels import PatientFolder, StudyLabels
from firstread.read_chest_study import ReadStudy, read_chest_study
from firstread.say import console
from radiology.errors import Refused, SettingsRefused
from radiology.image.volume import Volume
from radiology.urgency import Triage
from worker.series.frame_headers import text


@dataclass(frozen=True)
class StudyReading:
    """One patient's study after reading.

    Attributes
    ----------
    slice_shares : lesion share in percent of each axial slice, the most superior first; None when
        no lungs were found
    lobe_shares : lesion share in percent of each lobe; without those whose fissures were not seen
    groups : sex, age group and manufacturer
    """

    reading: ChestReading
    triage: Triage | None
    slice_shares: NDArray[np.float64] | None
    lobe_shares: Mapping[Territory, float]
    groups: Mapping[str, str]

    @property
    def lesion_share_percent(self) -> float | None:
        """Of both lungs; None when no lungs were found."""
        total = self.reading.figures.get(Side.TOTAL)
        return None if total is None else total.lesion_share_percent


def read_labelled_study(
    labels: StudyLabels, place: PatientFolder, reader: Reader
) -> StudyReading | Refused:
    """Select, decode and read, as the worker does.

    Returns
    -------
    The reading, or the refusal of a study that cannot be read.

    Raises
    ------
    SettingsRefused
        The labels are for another number of slices.
    """
    try:
        study = read_chest_study(place.found.paths, reader)
    except Refused as error:
        console.print(f"{labels.patient}: {error.kind}: {error}", markup=False)
        return error
    _check_slices(labels, study.volume, place.folder)
    reading, regions = study.reading, study.reading.regions
    return StudyReading(
        reading=reading,
        triage=study.triage,
        slice_shares=None if regions is None else _shares_from_top(study.volume, regions),
        lobe_shares=_lobe_shares(study),
        groups=_groups(study),
    )


def _check_slices(labels: StudyLabels, volume: Volume, folder: Path) -> None:
    if labels.slices is not None and labels.slices.size != volume.shape[0]:
        raise SettingsRefused(
            f"{labels.patient} has labels for {labels.slices.size} slices, and the series in "
            f"{folder} has {volume.shape[0]}; is it the folder of this patient?"
        )


def _shares_from_top(volume: Volume, regions: ChestRegions) -> NDArray[np.float64]:
    """Lesion share in percent of each axial slice, the most superior first; 0 without lung."""
    _, order = volume.canonical()
    lung = np.count_nonzero(order.apply(regions.lungs), axis=(1, 2))
    lesion = np.count_nonzero(order.apply(regions.lesions), axis=(1, 2))
    shares: NDArray[np.float64] = 100.0 * lesion / np.maximum(lung, 1)
    return shares[::-1]


def _lobe_shares(study: ReadStudy) -> dict[Territory, float]:
    found, regions = study.reading.territories, study.reading.regions
    if not found and regions is not None:
        # A study that is not assessable keeps its masks, and those are scored all the same.
        territories = find_territories(study.volume, regions)
        found = measure_territories(study.volume, regions, territories)
    return {one.territory: one.lesion_share_percent for one in found if one.territory.is_lobe}


def _groups(study: ReadStudy) -> dict[str, str]:
    """The groups that a patient belongs to, from the header of one instance."""
    keywords = ["PatientSex", "Manufacturer"]
    header = dcmread(study.decoded.first_file, specific_tags=keywords, stop_before_pixels=True)
    return {
        "sex": text(header, "PatientSex").upper(),
        "age group": age_group(study.series.patient_age_years),
        "manufacturer": text(header, "Manufacturer").upper(),
    }
