"""A reader is told a reason in words; the facts that it ends with stand where they are needed."""

from __future__ import annotations

import re

import pytest

from database.deliveries.claimed import claim_delivery, postpone_delivery
from database.session import transaction
from radiology.errors import NoSuitableSeries, PeerUnreachable
from radiology.urgency import Urgency
from tests.unit.worklist.access.visitor import Visitor, readable, row_text
from tests.unit.worklist.list.ordinary_day import MILD
from tests.unit.worklist.seeding import SeededHospital
from worklist.words.stored_words import brief

_HEAD = re.compile(r'<section class="head .*?</section>', re.DOTALL)
_CHINESE = {"Cookie": "firstread_language=zh"}


@pytest.mark.parametrize("headers", [{}, _CHINESE], ids=["en", "zh"])
def test_a_refusal_and_a_delivery_without_their_facts(
    hospital: SeededHospital, visitor: Visitor, headers: dict[str, str]
) -> None:
    """Neither the row nor the head says "refused_by=…" or "host=…"; Why and Deliveries do."""
    refused, claim = hospital.claimed(accession_number="A1")
    error = NoSuitableSeries(series=1, refused_by="accepted by the model")
    hospital.refuse(claim, error.kind, error.in_full)
    waiting, claim = hospital.claimed(accession_number="A2")
    hospital.answer(claim, Urgency.SUSPECTED, MILD, destinations=("pacs",), picture=False)
    away = PeerUnreachable("Nothing listens there", peer="pacs", host="10.0.0.7", port=104)
    with transaction(hospital.engine) as session:
        held = claim_delivery(session, lease_s=30, now=hospital.now)
        assert held is not None
        postpone_delivery(
            session,
            held,
            hospital.now,
            hospital.now,
            error_kind=away.kind,
            error_message=away.in_full,
        )
    listed = visitor.get("/", headers).text
    for uid, fact in ((refused, "refused_by=accepted by the model"), (waiting, "host=10.0.0.7")):
        page = visitor.get(f"/studies/{uid}", headers).text
        head = _HEAD.search(page)
        assert head is not None
        for brief_text in (readable(head[0]), row_text(listed, uid)):
            assert "=" not in brief_text
        assert fact in readable(page)
    assert "host=10.0.0.7" in readable(visitor.get("/administration", headers).text)


def test_only_facts_are_left_out() -> None:
    """What stands in brackets in words stays, and so does what the peer says."""
    assert brief("Out of room (peer=pacs, free=1 %) The peer says: “no (room)”") == (
        "Out of room The peer says: “no (room)”"
    )
    assert brief("12 slices (12; needed: at least 40).") == "12 slices (12; needed: at least 40)."
