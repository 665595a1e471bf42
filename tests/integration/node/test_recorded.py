"""What the node writes into the audit trail: who brought which study, and who was turned away."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from database.audit.verify import verify_chain
from database.session import query
from database.tables.readers.account import AuditEvent
from radiology.errors import PeerRefused
from tests.peers.waiting import wait_until
from tests.unit.dicom_node.running_node import RunningNode, running_node
from tests.unit.dicom_node.small_ct import small_ct, write

pytestmark = pytest.mark.integration


def _recorded(node: RunningNode, count: int) -> list[AuditEvent]:
    def found() -> list[AuditEvent]:
        with query(node.engine) as session:
            rows = list(session.scalars(select(AuditEvent).order_by(AuditEvent.id)))
            assert list(verify_chain(session)[1]) == []
        return rows if len(rows) >= count else []

    return wait_until(found, what=f"{count} audit events")


def test_who_brought_a_study_is_recorded(tmp_path: Path) -> None:
    """Once for an association, with how many images; an echo is nothing of anybody."""
    file = write(small_ct(), tmp_path / "images")
    with running_node(tmp_path / "node") as node:
        node.verify()
        assert node.statuses(file, file) == [0, 0]
        (event,) = _recorded(node, 1)
        node.verify()
    study = small_ct()
    assert (event.name, event.reader, event.address) == ("study_received", "SCANNER", "127.0.0.1")
    assert (event.study_instance_uid, event.patient_id) == (
        study.StudyInstanceUID,
        study.PatientID,
    )
    assert event.facts == {"ae_title": "SCANNER", "instances": 2, "encrypted": False}


def test_who_was_turned_away_is_recorded(tmp_path: Path) -> None:
    """A security alert, and one for what is repeated."""
    with running_node(tmp_path / "node") as node:
        for _ in range(2):
            with pytest.raises(PeerRefused):
                node.verify(calling="STRANGER")
        (event,) = _recorded(node, 1)
    assert (event.name, event.succeeded, event.reader) == (
        "association_rejected",
        False,
        "STRANGER",
    )
    assert event.facts["reason"] == "calling_ae_title"
