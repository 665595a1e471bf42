"""Applies the published severity rules to figures, lobes and clinical values."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from chest.gates import Acquisition
from chest.values.figures import LungFigures, Side
from chest.values.lobe import Lobe
from chest.values.severity import ImagingFindings, Pneumonia, Severity, assess_severity
from chest.values.territory import Territory, TerritoryFigures
from radiology.clinical import ClinicalContext, ClinicalValues, LesionMeasurement
from radiology.clinical.values import LIMITS

# Zones, and a right upper and middle lobe that were not told apart, are no lobe of a score.
_LOBES = {Territory[lobe.name]: lobe for lobe in Lobe}


def judge_severity(
    figures: Mapping[Side, LungFigures],
    territories: Iterable[TerritoryFigures],
    acquisition: Acquisition,
    *,
    suspected: bool,
    context: ClinicalContext | None = None,
) -> Severity:
    """Apply every rule to what the images show, the headers state and somebody gave.

    A lung or a lobe without a voxel was not measured: it has no share, which is not a share of 0.
    A prior study is not looked for: it comes with the context, or there is none.

    Parameters
    ----------
    suspected : whether the study's answer is that there is pneumonia
    context : what was given beside the study; its values count before those of the headers
    """
    context = context or ClinicalContext()
    imaging = ImagingFindings(
        pneumonia=Pneumonia.YES if suspected else Pneumonia.NO,
        share_percent={
            side: figures[side].lesion_share_percent
            for side in (Side.RIGHT, Side.LEFT)
            if figures[side].lung_volume_ml > 0
        },
        lobe_share_percent={
            _LOBES[territory.territory]: territory.lesion_share_percent
            for territory in territories
            if territory.territory in _LOBES and territory.volume_ml > 0
        },
        measurement=_measurement(figures[Side.TOTAL], acquisition),
        prior=context.prior,
    )
    return assess_severity(imaging, context.values.or_else(stated_values(acquisition)))


def _measurement(total: LungFigures, acquisition: Acquisition) -> LesionMeasurement | None:
    """What a later study would be compared with; None where its time is unknown."""
    if acquisition.acquired_at is None:
        return None
    return LesionMeasurement(
        acquired_at=acquisition.acquired_at,
        lesion_volume_ml=total.lesion_volume_ml,
        lesion_share_percent=total.lesion_share_percent,
    )


def stated_values(acquisition: Acquisition) -> ClinicalValues:
    """What the headers state: age and sex; they tell no other value that a rule asks for."""
    return ClinicalValues(
        age_years=_completed_years(acquisition.patient_age_years), sex=acquisition.patient_sex
    )


def _completed_years(age_years: float | None) -> float | None:
    """Whole years: with the day of the study, a fraction of a year would give the birth date away.

    Returns
    -------
    None for an impossible age: one odd header must not cost a study its reading.
    """
    if age_years is None:
        return None
    lowest, highest = LIMITS["age_years"]
    years = float(math.floor(age_years))
    return years if lowest <= years <= highest else None
