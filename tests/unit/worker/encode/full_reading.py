"""A reading that says everything: lobes or zones, signs, type, rules, severity and gates.

It is of the synthetic studies of `encoded_chest`, with what the bundle would add.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from functools import cache

import numpy as np
from pydicom import Dataset

from chest.gates import Acquisition
from chest.judge_severity import judge_severity
from chest.lobes import measure_territories
from chest.values.case_answer import (
    Confidence,
    ConfidenceWord,
    PneumoniaType,
    RuleAnswer,
    SignAnswer,
    ViralAnswer,
)
from chest.values.reading import ChestReading
from chest.values.regions import LungLabel
from chest.values.territory import Boundary, Territories, Territory
from models.schema_2.case import CaseRule
from models.schema_2.sign import Sign
from radiology.clinical import ClinicalContext, ClinicalSource, ClinicalValues
from radiology.encoding_profile import SegmentScope
from radiology.image.volume import Volume
from radiology.outcome import GateSeverity, Outcome, QualityGate
from tests.unit.worker.encode.encoded_chest import Chest, ChestContext, remade, result_context
from worker.encode import SegmentationVariant, encode_results, encode_segmentation

_LOBES = {
    LungLabel.RIGHT: (
        Territory.RIGHT_UPPER_LOBE,
        Territory.RIGHT_MIDDLE_LOBE,
        Territory.RIGHT_LOWER_LOBE,
    ),
    LungLabel.LEFT: (
        Territory.LEFT_UPPER_LOBE,
        Territory.LEFT_UPPER_LOBE,
        Territory.LEFT_LOWER_LOBE,
    ),
}
_ZONES = {
    LungLabel.RIGHT: (
        Territory.RIGHT_UPPER_ZONE,
        Territory.RIGHT_MIDDLE_ZONE,
        Territory.RIGHT_LOWER_ZONE,
    ),
    LungLabel.LEFT: (
        Territory.LEFT_UPPER_ZONE,
        Territory.LEFT_MIDDLE_ZONE,
        Territory.LEFT_LOWER_ZONE,
    ),
}
_HIGHEST_MM, _LOWEST_MM = 20.0, -20.0  # between them lies the middle third

NOTHING_GIVEN = ClinicalContext()
WARNING = QualityGate(
    "slice thickness",
    False,
    "8 mm",
    "at most 5 mm",
    "Thick slices limit what can be seen: small and faint lesions are averaged away.",
    GateSeverity.WARNS,
)


_IN_PARIS = timezone(timedelta(hours=1))
_ENTERED = ClinicalSource("anna", "page", datetime(2026, 1, 1, 12, 30, tzinfo=_IN_PARIS))
_RECEIVED = ClinicalSource("HL7", "HL7", datetime(2026, 1, 1, 10, 15, tzinfo=UTC))
GIVEN = ClinicalContext(
    values=ClinicalValues(
        age_years=72.0,
        confusion=False,
        respiratory_rate_per_min=31.0,
        systolic_mmhg=118.0,
        diastolic_mmhg=70.0,
        urea_mmol_l=9.0,
    ),
    sources={"respiratory_rate_per_min": _ENTERED, "urea_mmol_l": _RECEIVED},
)
"""Clinical values by which CURB-65 can be computed, two of them with where they came from."""


def full_context(
    kind: str = "positive",
    chest: Chest | None = None,
    *,
    zones: bool = False,
    clinical: ClinicalContext = NOTHING_GIVEN,
) -> ChestContext:
    """The context of a synthetic study whose reading says all that a bundle can say.

    A study that is not assessable has its gates and nothing more, as in `chest.interpret`.
    """
    chest = chest or Chest()
    context = result_context(kind, chest)
    divided = _divided(context, chest, zones=zones)
    reading = completed(context.chest, context.volume, divided, clinical)
    return remade(context, chest=reading, clinical=clinical)


def completed(
    reading: ChestReading,
    volume: Volume,
    divided: Territories,
    clinical: ClinicalContext = NOTHING_GIVEN,
) -> ChestReading:
    """A reading with all that a bundle can say beside regions and figures."""
    regions = reading.regions
    assert regions is not None
    reading = replace(reading, gates=(*reading.gates, WARNING))
    if reading.outcome is Outcome.NOT_ASSESSABLE:
        return reading
    suspected = reading.outcome is Outcome.FINDINGS
    territories = measure_territories(volume, regions, divided)
    return replace(
        reading,
        territories=territories,
        boundaries=divided.boundaries,
        divided=divided,
        signs=_signs() if suspected else (),
        viral=_viral() if suspected else None,
        rules=_rules(suspected=suspected),
        confidence=Confidence(0.71, ConfidenceWord.HIGH),
        severity=judge_severity(
            reading.figures,
            territories,
            Acquisition(patient_age_years=66.0),
            suspected=suspected,
            context=clinical,
        ),
    )


def _divided(context: ChestContext, chest: Chest, *, zones: bool) -> Territories:
    heights = chest.places_mm[..., 2]
    thirds = (heights > _HIGHEST_MM, np.abs(heights) <= _HIGHEST_MM, heights < _LOWEST_MM)
    named = _ZONES if zones else _LOBES
    territories = list(dict.fromkeys(one for parts in named.values() for one in parts))
    labels = np.zeros(chest.shape, np.uint8)
    for side, parts in named.items():
        for third, territory in zip(thirds, parts, strict=True):
            labels[third & (context.regions.lungs == side)] = territories.index(territory) + 1
    boundary = Boundary("right horizontal fissure", 0.04, not zones, "confidence 0.04")
    return Territories(labels, dict(enumerate(territories, start=1)), (boundary,))


def _signs() -> tuple[SignAnswer, ...]:
    return (
        SignAnswer(Sign.GROUND_GLASS, 0.9, 0.415),
        SignAnswer(Sign.CONSOLIDATION, 0.6, 0.251),
        SignAnswer(Sign.CRAZY_PAVING, 0.03, 0.05),
        SignAnswer(Sign.AIR_BRONCHOGRAM, 0.01, 0.05),
        SignAnswer(Sign.SEPTAL_THICKENING, 0.05, 0.114),
    )


def _viral() -> ViralAnswer:
    return ViralAnswer(PneumoniaType.VIRAL_SUSPECTED, 0.81, 0.05, 0.291, 0.693, 0.229, 9)


def _rules(*, suspected: bool) -> tuple[RuleAnswer, ...]:
    factor = 10.0 if suspected else 0.1
    return (
        RuleAnswer(CaseRule.LESION_SHARE, factor, 0.99, "% of the lungs", True),
        RuleAnswer(CaseRule.CONSECUTIVE_SLICES, factor, 3.0, "slices", False),
        RuleAnswer(CaseRule.POSITIVE_SLICES, factor, 10.0, "% of slices", False),
        RuleAnswer(CaseRule.MAXIMUM, factor, 2.5, "% of a slice's lung", False),
    )


@cache
def fully_segmented(enhanced: bool = False) -> Dataset:
    """The segmentation that programs get of a full reading: lungs and lesions."""
    context = full_context(chest=Chest(enhanced=enhanced))
    made = encode_segmentation(context, SegmentationVariant(scope=SegmentScope.ANATOMY))
    assert made is not None
    return made


@cache
def fully_encoded(
    kind: str = "positive", enhanced: bool = False, zones: bool = False
) -> dict[str, Dataset]:
    """The result objects of a full reading by kind, for tests that only look at them."""
    context = full_context(kind, Chest(enhanced=enhanced), zones=zones)
    return {str(one.kind): one.dataset for one in encode_results(context)}
