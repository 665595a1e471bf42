"""What a seeded job finds: figures, gates, objects and decisions of a plausible reading."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from chest.answer.known import known_values
from chest.answer.make import answer_of
from chest.values.figures import LungFigures, Side
from chest.values.reading import ChestReading
from database.jobs.claimed import Claim
from database.states import ObjectKind, WorklistRank
from database.tables.study.analysis import Result, ResultObject, SeriesDecision
from radiology.algorithm import AlgorithmIdentity
from radiology.answer.stored_reading import to_facts
from radiology.clinical import ClinicalContext, ClinicalValues
from radiology.identity import derived_uid
from radiology.outcome import Outcome, QualityGate
from radiology.sex import Sex
from radiology.urgency import Triage, Urgency

ALGORITHM = AlgorithmIdentity("chest-ct-pneumonia", "1.0.0", "9f2c" * 16)
THRESHOLD = 0.5
HEADERS_SAY = ClinicalValues(age_years=71.0, sex=Sex.MALE)
_OBJECT_CLASSES = {
    ObjectKind.SEGMENTATION: "1.2.840.10008.5.1.4.1.1.66.4",
    ObjectKind.REPORT: "1.2.840.10008.5.1.4.1.1.88.33",
    ObjectKind.CAPTURE: "1.2.840.10008.5.1.4.1.1.7",
}


@dataclass(frozen=True)
class Lesions:
    """What a seeded reading found: ml by side as (ground glass, consolidation)."""

    right: tuple[float, float] = (0.0, 0.0)
    left: tuple[float, float] = (0.0, 0.0)
    suspicion: float = 0.04

    def figures(self) -> dict[Side, LungFigures]:
        right = _lung(Side.RIGHT, 2350.0, self.right)
        left = _lung(Side.LEFT, 1980.0, self.left)
        both = (self.right[0] + self.left[0], self.right[1] + self.left[1])
        total = replace(
            _lung(Side.TOTAL, right.lung_volume_ml + left.lung_volume_ml, both),
            slices_involved=max(right.slices_involved, left.slices_involved),
        )
        return {Side.RIGHT: right, Side.LEFT: left, Side.TOTAL: total}


def _lung(side: Side, volume_ml: float, ml: tuple[float, float]) -> LungFigures:
    return LungFigures(
        side=side,
        lung_volume_ml=volume_ml,
        lesion_volume_ml=sum(ml),
        ground_glass_ml=ml[0],
        consolidation_ml=ml[1],
        lesion_mean_hu=(-612 * ml[0] - 95 * ml[1]) / sum(ml) if sum(ml) else None,
        slices_involved=int(sum(ml) ** 0.75),
    )


_RULES = {
    Urgency.URGENT: "consolidation of 30 ml or more, or lesions of 10 % of lung or more",
    Urgency.SUSPECTED: "suspicion at or above its threshold",
    Urgency.ROUTINE: "suspicion below its threshold",
    None: "",
}
RANKS = {
    Urgency.URGENT: WorklistRank.URGENT,
    Urgency.SUSPECTED: WorklistRank.SUSPECTED,
    Urgency.ROUTINE: WorklistRank.ROUTINE,
    None: WorklistRank.UNANSWERED,
}


def reading_of(urgency: Urgency | None, lesions: Lesions, reason: str) -> ChestReading:
    """The reading of a job; `urgency` None: not assessable."""
    gates = [
        QualityGate("lungs_found", True, "2 lungs, 4330 ml", "both lungs, at least 1000 ml"),
        QualityGate("slices", True, "148", "at least 40"),
        QualityGate("slice_distance", True, "2.0 mm", "at most 5 mm"),
    ]
    if urgency is None:
        gates[1] = QualityGate("slices", False, "12", "at least 40", reason)
        outcome = Outcome.NOT_ASSESSABLE
    else:
        outcome = Outcome.NO_FINDINGS if urgency is Urgency.ROUTINE else Outcome.FINDINGS
    return ChestReading(
        outcome=outcome,
        algorithm=ALGORITHM,
        suspicion=None if urgency is None else lesions.suspicion,
        suspicion_threshold=THRESHOLD,
        figures={} if urgency is None else lesions.figures(),
        gates=tuple(gates),
        key_slice=62,
        regions=None,
    )


def result_of(
    claim: Claim,
    urgency: Urgency | None,
    reading: ChestReading,
    reason: str,
    key_picture: str | None,
    at: datetime,
) -> Result:
    """The result of a job that came to a reading; `key_picture` within the results folder."""
    return Result(
        job_id=claim.job_id,
        study_id=claim.study_id,
        study_version=claim.study_version,
        outcome=reading.outcome,
        urgency=urgency,
        urgency_rule=_RULES[urgency],
        reason=reason,
        suspicion=reading.suspicion,
        label=reading.pneumonia_type.value if reading.pneumonia_type else "",
        reading=stored_chest(reading, urgency),
        execution_provider="CPUExecutionProvider",
        key_picture=key_picture,
        created_at=at,
    )


def stored_chest(reading: ChestReading, urgency: Urgency | None) -> dict[str, Any]:
    """A chest as its row holds it; what the rules of urgency saw is left out."""
    triage = None if urgency is None else Triage(urgency, _RULES[urgency])
    said = answer_of(reading, None, triage, ClinicalContext())
    return to_facts(replace(said, known=known_values(ClinicalContext(), HEADERS_SAY)))


def refusal_of(claim: Claim, kind: str, message: str, at: datetime) -> Result:
    """The result of a job that was refused before there was a reading."""
    return Result(
        job_id=claim.job_id,
        study_id=claim.study_id,
        study_version=claim.study_version,
        outcome=Outcome.NOT_ASSESSABLE,
        urgency=None,
        reason=message,
        reading={"outcome": Outcome.NOT_ASSESSABLE.value, "refused_by": kind},
        created_at=at,
    )


def objects_of(claim: Claim, urgency: Urgency) -> list[ResultObject]:
    """What a job makes: no SEG where there is nothing to outline."""
    kinds = [ObjectKind.REPORT, ObjectKind.CAPTURE]
    if urgency is not Urgency.ROUTINE:
        kinds.insert(0, ObjectKind.SEGMENTATION)
    return [
        ResultObject(
            kind=kind,
            sop_class_uid=_OBJECT_CLASSES[kind],
            sop_instance_uid=derived_uid("object", str(claim.job_id), kind.value),
            series_instance_uid=derived_uid("series of", str(claim.job_id), kind.value),
            path=f"job-{claim.job_id}/{kind.value}.dcm",
            size_bytes={"SEG": 1_840_000, "SR": 24_000, "SC": 790_000}[kind.value],
        )
        for kind in kinds
    ]


def decisions_of(claim: Claim, uid: str) -> list[SeriesDecision]:
    """One series chosen, one refused."""
    return [
        SeriesDecision(
            job_id=claim.job_id,
            series_instance_uid=derived_uid("series", uid, "1"),
            chosen=False,
            rule="slice_distance",
            seen="5.0 mm",
            limit="the thinnest series of the chest",
            reason="A thinner series of the same chest was analysed.",
        ),
        SeriesDecision(
            job_id=claim.job_id,
            series_instance_uid=derived_uid("series", uid, "0"),
            chosen=True,
            rule="lung_reconstruction",
            seen="148 slices, 2.0 mm, B70f",
            limit="axial CT of the chest, 1 to 5 mm",
        ),
    ]
