"""Audit messages: who stands on which side, and what is not said."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from lxml import etree

from database.accounts.audit import Actor, AuditRow, StudyReference
from tests.integration.queue.audit.schema import read_message
from worker.audit.message import Source, audit_message
from worker.audit.syslog import SyslogMessage, syslog_frame

NOW = datetime(2026, 11, 21, 8, 0, 0, 120_000, tzinfo=UTC)
WU = Actor("wu", "reader", "10.0.0.7")
STUDY = StudyReference("1.2.3", "P1")


def _message(name: str, actor: Actor = WU, **changes: Any) -> etree._Element:
    row = AuditRow(
        event_id=7,
        at=NOW,
        name=name,
        succeeded=changes.pop("succeeded", True),
        actor=actor,
        study=changes.pop("study", None),
        facts=changes,
        sha256="ab" * 32,
    )
    return read_message(audit_message(row, Source("SOURCE", "", "FIRSTREAD")))


def _sides(message: etree._Element) -> dict[str, tuple[bool, list[str]]]:
    """Of each participant whether it has asked for it, and its roles."""
    return {
        one.get("UserID"): (
            one.get("UserIsRequestor") == "true",
            one.xpath("RoleIDCode/@csd-code"),
        )
        for one in message.xpath("ActiveParticipant")
    }


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("study_received", {"wu": (True, ["110153"]), "SOURCE": (False, ["110152"])}),
        ("results_sent", {"wu": (False, ["110152"]), "SOURCE": (True, ["110153"])}),
        ("transfer_begun", {"wu": (False, ["110152"]), "SOURCE": (True, ["110153"])}),
        ("archive_queried", {"wu": (False, ["110152"]), "SOURCE": (True, ["110153"])}),
        ("work_items_searched", {"wu": (True, ["110153"]), "SOURCE": (False, ["110152"])}),
        ("study_opened", {"wu": (True, []), "SOURCE": (False, ["110150"])}),
        (
            "data_exported",
            {
                "wu": (True, []),
                "SOURCE": (False, ["110150"]),
                "download": (False, ["110154"]),
            },
        ),
    ],
)
def test_who_gives_and_who_takes(name: str, expected: dict[str, tuple[bool, list[str]]]) -> None:
    """Source and destination by the direction (PS3.15 A.5.3), and one of them has asked."""
    assert _sides(_message(name, Actor("wu", "", "10.0.0.7"))) == expected


def test_a_process_that_begins() -> None:
    """Nobody has asked for it but itself (A.5.3.1)."""
    facts = {"process": "node@host:1"}
    message = _message("process_started", Actor("firstread", "", ""), **facts)
    assert _sides(message) == {"node@host:1": (True, ["110150"])}
    assert message.xpath("string(//EventTypeCode/@csd-code)") == "110120"


def test_a_caller_that_was_turned_away() -> None:
    """Which node, from where, and why (A.5.3.11)."""
    facts = {"address": "10.0.0.9", "reason": "certificate", "ae_title": "CT1"}
    message = _message(
        "association_rejected", Actor("CT1", "", "10.0.0.9"), succeeded=False, **facts
    )
    assert message.xpath("string(EventIdentification/@EventOutcomeIndicator)") == "4"
    assert message.xpath("string(//EventTypeCode/@csd-code)") == "110126"
    assert message.xpath("string(ActiveParticipant/@AlternativeUserID)") == "AETITLES=CT1"
    (node,) = message.xpath("//*[ParticipantObjectIDTypeCode/@csd-code='110182']")
    assert node.get("ParticipantObjectID") == "10.0.0.9"


def test_what_is_not_said() -> None:
    """The events that forgetting lists are looked at here; a name can be no name in XML."""
    message = _message("record_forgotten", called="forgotten-7", events="1-9000")
    assert message.xpath("//ParticipantObjectDetail[@type='events']") == []
    assert len(message.xpath("//ParticipantObjectDetail[@type='called']")) == 1
    strange = _message("signed_in", Actor("a\x00<\ud800&\"'\x1b", "reader", "host.example"))
    assert strange.xpath("string(ActiveParticipant/@UserID)") == "a\ufffd<\ufffd&\"'\ufffd"
    assert strange.xpath("string(ActiveParticipant/@NetworkAccessPointTypeCode)") == "1"


def test_a_study_and_its_patient() -> None:
    """By identifiers alone, and how many instances it was."""
    message = _message("study_received", study=STUDY, instances=3)
    study, patient, place = message.xpath("ParticipantObjectIdentification")
    assert study.get("ParticipantObjectID") == "1.2.3"
    assert study.xpath("string(.//SOPClass/@NumberOfInstances)") == "3"
    assert patient.get("ParticipantObjectID") == patient.findtext("ParticipantObjectName") == "P1"
    assert place.get("ParticipantObjectID") == "7"


@pytest.mark.parametrize(("succeeded", "priority"), [(True, b"85"), (False, b"84")])
def test_a_frame_counts_its_octets(succeeded: bool, priority: bytes) -> None:
    """RFC 5425 Section 4.3: the length is that of UTF-8, not of characters."""
    frame = syslog_frame(SyslogMessage(2**31, NOW, succeeded, "ä".encode()), "a host")
    length, _, rest = frame.partition(b" ")
    assert int(length) == len(rest)
    assert rest == (
        b"<" + priority + b">1 2026-11-21T08:00:00.120Z ahost firstread - DICOM+RFC3881 "
        b'[meta sequenceId="1"] \xef\xbb\xbf\xc3\xa4'
    )


@pytest.mark.parametrize(
    ("name", "actor"),
    [
        ("backup_made", Actor("firstread", "administrator", "command line")),
        ("study_received", Actor("firstread", "", "10.0.0.9")),  # as its AE title
    ],
)
def test_somebody_called_like_us_is_named_all_the_same(name: str, actor: Actor) -> None:
    """A service may run as user "firstread", and any device may call itself so."""
    assert _sides(_message(name, actor))["firstread"][0]
    ours = _sides(_message("images_removed", Actor("firstread", "", "")))
    assert "firstread" not in ours
