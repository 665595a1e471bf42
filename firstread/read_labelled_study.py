"""Read one labelled study as the worker reads it: its answer, and shares by slice and by lobe."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread

from evaluation.subgroups import age_group
from firstread.evaluate_bundle import console
from firstread.evaluate_study_labels import PatientFolder, StudyLabels
from models.lobes import find_territories, measure_territories
from radiology.errors import Refused, SettingsRefused
from radiology.finding import Reading, Side, Triage
from radiology.region import ChestRegions
from radiology.territory import Territory
from radiology.volume import Volume
from worker.bundle_series import bundle_refusal
from worker.decode_volume import decode_volume
from worker.infer_findings import Reader
from worker.read_series import group_series, read_instances
from worker.select_series import select_series
from worker.series_rules import REFUSALS

_YEARS = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0}  # PS3.5 Table 6.2-1, AS


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

    reading: Reading
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
    instances = read_instances(place.found.paths)
    paths = {one.instance.sop_instance_uid: one.path for one in instances}
    try:
        selection = select_series(
            group_series(instances), refusals=(*REFUSALS, bundle_refusal(reader.bundle))
        )
        volume = decode_volume(selection.require(), paths)
        reading, triage = reader.read(volume)
    except Refused as error:
        console.print(f"{labels.patient}: {error.kind}: {error}", markup=False)
        return error
    _check_slices(labels, volume, place.folder)
    regions = reading.regions
    return StudyReading(
        reading=reading,
        triage=triage,
        slice_shares=None if regions is None else _shares_from_top(volume, regions),
        lobe_shares={} if regions is None else _lobe_shares(volume, regions),
        groups=_groups(paths[volume.frames[0].sop_instance_uid]),
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


def _lobe_shares(volume: Volume, regions: ChestRegions) -> dict[Territory, float]:
    territories = find_territories(volume, regions)
    return {
        figures.territory: figures.lesion_share_percent
        for figures in measure_territories(volume, regions, territories)
        if figures.territory.is_lobe
    }


def _groups(path: Path) -> dict[str, str]:
    """The groups that a patient belongs to, from the header of one instance."""
    keywords = ["PatientSex", "PatientAge", "Manufacturer"]
    header = dcmread(path, specific_tags=keywords, stop_before_pixels=True)
    age = re.fullmatch(r"(\d{3})([DWMY])", str(header.get("PatientAge", "") or "").strip())
    return {
        "sex": str(header.get("PatientSex", "") or ""),
        "age group": age_group(int(age[1]) * _YEARS[age[2]] if age else None),
        "manufacturer": str(header.get("Manufacturer", "") or "").upper(),
    }
