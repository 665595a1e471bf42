"""Our work items, as a client finds, claims and completes them that shares no code with us."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from radiology.work_item import work_item_uid
from settings.peers import Peer, PeerRole
from tests.builders.stored.rows import claim, finish, queue_job
from tests.peers.dicom.dcmjs_dimse import perform
from tests.peers.dicom.worklist_client import EVERY_WORK_ITEM
from tests.peers.ports import free_port
from tests.unit.dicom_node.running_node import SCANNER, running_node

pytestmark = pytest.mark.integration

FIRST, SECOND = work_item_uid("2.25.1"), work_item_uid("2.25.2")
LOCK, ANOTHER_LOCK = "2.25.500", "2.25.501"


def code(value: str, scheme: str, meaning: str) -> list[dict[str, str]]:
    """A code sequence."""
    return [{"CodeValue": value, "CodingSchemeDesignator": scheme, "CodeMeaning": meaning}]


PERFORMED = [
    {
        "PerformedStationNameCodeSequence": code("R1", "99SITE", "Reading room 1"),
        "PerformedProcedureStepStartDateTime": "20260101120500+0000",
        "PerformedProcedureStepEndDateTime": "20260101121000+0000",
        "PerformedWorkitemCodeSequence": code("110005", "DCM", "Interpretation"),
        "OutputInformationSequence": [],
    }
]


def change(state: str, lock: str) -> dict[str, Any]:
    """Change the state of the first work item."""
    elements = {"ProcedureStepState": state, "TransactionUID": lock}
    return {"name": "change", "uid": FIRST, "elements": elements}


def write(lock: str) -> dict[str, Any]:
    """Say what was performed."""
    elements = {
        "TransactionUID": lock,
        "UnifiedProcedureStepPerformedProcedureSequence": PERFORMED,
    }
    return {"name": "set", "uid": FIRST, "elements": elements}


def test_from_beginning_to_end(tmp_path: Path) -> None:
    """Found in order, claimed once, read and completed: with the statuses of PS3.4."""
    reader = Peer(
        name="reader",
        ae_title="READER",  # type: ignore[arg-type]
        host="127.0.0.1",
        port=free_port(),
        roles=frozenset({PeerRole.WORKLIST_CLIENT}),
    )
    wanted = {"ProcedureStepState": "SCHEDULED", "ScheduledProcedureStepPriority": ""}
    watch = {"ReceivingAE": "READER", "DeletionLock": "FALSE"}
    steps: list[tuple[dict[str, Any], int]] = [
        ({"name": "find", "elements": {**wanted, "WorklistLabel": "First*"}}, 0x0000),
        (change("IN PROGRESS", LOCK), 0x0000),
        (change("IN PROGRESS", ANOTHER_LOCK), 0xC301),
        (change("IN PROGRESS", LOCK), 0xC302),
        (change("SCHEDULED", LOCK), 0xC303),
        (change("COMPLETED", LOCK), 0xC304),
        (write(ANOTHER_LOCK), 0xC301),
        (write(LOCK), 0x0000),
        ({"name": "cancel", "uid": FIRST, "elements": {"ReasonForCancellation": "x"}}, 0xC312),
        ({"name": "subscribe", "uid": EVERY_WORK_ITEM, "elements": watch}, 0x0000),
        ({"name": "cancel", "uid": FIRST, "elements": {"ReasonForCancellation": "x"}}, 0x0000),
        (change("COMPLETED", LOCK), 0x0000),
        (change("COMPLETED", LOCK), 0xB306),
        (write(LOCK), 0xC300),
        ({"name": "get", "uid": FIRST}, 0x0000),
        ({"name": "get", "uid": "2.25.404"}, 0xC307),
    ]
    with running_node(tmp_path / "node", peers=(SCANNER, reader)) as node:
        queue_job(node.engine, 1)
        finish(node.engine, claim(node.engine), [])
        queue_job(node.engine, 2)
        answers = perform(node.port, [operation for operation, _ in steps])
    assert [hex(one.status) for one in answers] == [hex(status) for _, status in steps]
    found = answers[0].elements
    assert [one["SOPInstanceUID"] for one in found] == [FIRST, SECOND]
    assert [one["ScheduledProcedureStepPriority"] for one in found] == ["HIGH", "MEDIUM"]
    (shown,) = answers[-2].elements
    assert shown["ProcedureStepState"] == "COMPLETED"
    assert "TransactionUID" not in shown
