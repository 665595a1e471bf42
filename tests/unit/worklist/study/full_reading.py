"""A reading with everything that a bundle of two networks can say, and one without lobes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from chest.gates import Acquisition
from chest.judge_severity import judge_severity
from chest.values.case_answer import (
    Confidence,
    ConfidenceWord,
    PneumoniaType,
    RuleAnswer,
    SignAnswer,
    ViralAnswer,
)
from chest.values.reading import ChestReading
from chest.values.territory import Boundary, Territory, TerritoryFigures
from models.schema_2.case import CaseRule
from models.schema_2.sign import Sign
from radiology.image.heat_map import HeatMap
from radiology.outcome import GateSeverity, QualityGate
from radiology.sex import Sex
from radiology.urgency import Urgency
from tests.unit.worklist.list.ordinary_day import SEVERE
from tests.unit.worklist.seeded_values import reading_of

NOISY = "The images are noisy: lesions may be missed."
UNSEEN = "it stands out by 5.2 standard deviations, 7 are needed"

_LOBES = {
    Territory.RIGHT_UPPER_LOBE: 3.1,
    Territory.RIGHT_MIDDLE_LOBE: 0.0,
    Territory.RIGHT_LOWER_LOBE: 12.4,
    Territory.LEFT_UPPER_LOBE: 8.0,
    Territory.LEFT_LOWER_LOBE: 26.6,
}
_UNITED = {
    Territory.RIGHT_UPPER_AND_MIDDLE_LOBE: 2.0,
    Territory.RIGHT_LOWER_LOBE: 12.4,
    Territory.LEFT_UPPER_ZONE: 4.0,
    Territory.LEFT_MIDDLE_ZONE: 18.0,
    Territory.LEFT_LOWER_ZONE: 29.9,
}


def full_reading() -> ChestReading:
    """Five lobes, a type, signs, severity, a warning and a heat map."""
    plain = reading_of(Urgency.URGENT, SEVERE, "")
    noise = QualityGate("noise", False, "52 HU", "at most 40 HU", NOISY, GateSeverity.WARNS)
    boundaries = tuple(
        Boundary(f"{name} fissure", confidence, seen=True)
        for name, confidence in (
            ("right oblique", 0.71),
            ("right horizontal", 0.34),
            ("left oblique", 0.66),
        )
    )
    return replace(
        _divided(plain, _LOBES),
        gates=(*plain.gates, noise),
        viral=ViralAnswer(PneumoniaType.VIRAL_SUSPECTED, 0.83, 0.04, 0.35, 0.65, 0.25, 9),
        signs=tuple(
            SignAnswer(sign, probability, 0.5)
            for sign, probability in zip(Sign, (0.97, 0.81, 0.44, 0.52, 0.08), strict=True)
        ),
        rules=(
            RuleAnswer(CaseRule.LESION_SHARE, 11.9, 1.0, "% of the lungs", chosen=True),
            RuleAnswer(CaseRule.CONSECUTIVE_SLICES, 2.0, 3.0, "slices", chosen=False),
            RuleAnswer(CaseRule.POSITIVE_SLICES, 41.0, 10.0, "% of slices", chosen=False),
            RuleAnswer(CaseRule.MAXIMUM, 28.6, 2.5, "% of a slice's lung", chosen=False),
        ),
        confidence=Confidence(0.62, ConfidenceWord.MODERATE),
        boundaries=boundaries,
        heat_maps={62: HeatMap(np.full((4, 4), 200, np.uint8), 10.0, 12.0, 80.0, 80.0)},
    )


def reading_without_lobes() -> ChestReading:
    """The horizontal fissure and the left oblique one are not seen."""
    full = full_reading()
    boundaries = (
        full.boundaries[0],
        replace(full.boundaries[1], seen=False, confidence=0.1, reason=UNSEEN),
        replace(full.boundaries[2], seen=False, confidence=0.1, reason=UNSEEN),
    )
    return replace(_divided(full, _UNITED), boundaries=boundaries)


def _divided(reading: ChestReading, shares: Mapping[Territory, float]) -> ChestReading:
    """The reading with its lesions spread over territories, and what severity follows from them."""
    territories = tuple(
        TerritoryFigures(one, 850.0, 8.5 * share, 8.5 * share, 0.0, -520.0)
        for one, share in shares.items()
    )
    acquisition = Acquisition(patient_age_years=71.4, patient_sex=Sex.MALE)
    severity = judge_severity(reading.figures, territories, acquisition, suspected=True)
    return replace(reading, territories=territories, severity=severity)
