"""An answer about a head as version 2 stores it: what no page may take for one about a chest."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from radiology import codes
from radiology.algorithm import AlgorithmIdentity
from radiology.answer.finding import Finding, Presence
from radiology.answer.lesions import Became, Followed
from radiology.answer.measurement import Measurement
from radiology.answer.reading import Comparison, Reading, ReportWords, Suspicion, TimePoint
from radiology.answer.remark import Remark
from radiology.answer.statement import Statement, StatementInput
from radiology.answer.stored_reading import to_facts
from radiology.answer.table import Table, TableColumn, TableRow
from radiology.codes import Code
from radiology.earlier import NotCompared
from radiology.outcome import GateSeverity, Outcome, QualityGate
from radiology.urgency import LimitOf, RuleSeen, Urgency
from tests.unit.worklist.seeding import START

BLEEDING = Code("1386000", "SCT", "Intracranial hemorrhage")
AMOUNT = Code("BLOOD", "99TEST", "Volume of blood")
SHIFT = Code("SHIFT", "99TEST", "Midline shift")
SCORE = Code("SCORE", "99TEST", "Scores of bleeding")
MILLIMETRE = Code("mm", "UCUM", "millimeter")


def head_reading() -> Reading:
    """A bleeding that has grown, with a table, gates, a score and a remark."""
    then, now = (
        TimePoint(uid, at, order, (Measurement(AMOUNT, ml, codes.MILLILITRE, decimals=1),))
        for order, (uid, at, ml) in enumerate(
            (("2.25.5", START - timedelta(hours=20), 12.0), ("", START, 31.4)), start=1
        )
    )
    return Reading(
        Outcome.FINDINGS,
        AlgorithmIdentity("head-ct-test", "3.1.4", "cd" * 32),
        ReportWords("head CT", Code("24725-4", "LN", "CT Head"), "intracranial bleeding"),
        suspicion=Suspicion(0.91, 0.4),
        findings=(
            Finding("bleeding", BLEEDING, Presence.SUSPECTED, probability=0.91, threshold=0.4),
            Finding("fracture", Code("2", "99TEST", "Fracture of skull"), Presence.ABSENT),
        ),
        statements=(
            Statement(codes.COMMENT, "Bleeding lies on the left side"),
            Statement(
                SCORE,
                "2 points",
                topic="Bleeding scores",
                name="ICH score",
                inputs=(StatementInput("volume of blood", 31.4, "ml", points=1),),
                source="Hemphill 2001",
            ),
            Statement(
                SCORE, None, topic="Bleeding scores", name="FUNC score", missing=("age",), note="No"
            ),
        ),
        gates=(
            QualityGate("slices", True, "32", "at least 20"),
            QualityGate(
                "tilt", False, "21 degrees", "at most 15", "It is tilted.", GateSeverity.WARNS
            ),
        ),
        summary=(
            Measurement(AMOUNT, 31.4, codes.MILLILITRE, decimals=1),
            Measurement(SHIFT, 4.2, MILLIMETRE, decimals=1),
            Statement(Code("SIDE", "99TEST", "Side"), codes.LEFT),
        ),
        comparison=Comparison(then, now),
        course=(then, now),
        table=Table(
            (TableColumn("Blood", "ml"), TableColumn("Brain", "ml", 0, of_findings=False)),
            (
                TableRow("Right half", (0.0, 610.0)),
                TableRow("Left half", (31.4, 604.0)),
                TableRow("Thalamus", (None, 8.0), is_part=True),
            ),
        ),
        remarks=(Remark("Where", (("left", "deep"),)),),
        followed=(
            Followed(
                1,
                "left",
                Became.GROWN,
                Measurement(AMOUNT, 12.0, codes.MILLILITRE),
                Measurement(AMOUNT, 31.4, codes.MILLILITRE),
            ),
        ),
        left_out=(NotCompared("2.25.9", "not of the head"),),
        urgency_rules=(
            RuleSeen(
                "blood of 30 ml or more",
                Urgency.URGENT,
                held=True,
                seen="31.4 ml",
                limit="30 ml or more",
                whose=LimitOf.SITE,
            ),
            RuleSeen("bleeding", Urgency.SUSPECTED, held=True, seen="0.91", limit="0.4"),
        ),
    )


def stored_head() -> dict[str, Any]:
    """What the row of a result holds of it."""
    facts: dict[str, Any] = json.loads(json.dumps(to_facts(head_reading())))
    return facts
