"""A message by MLLP and images by C-STORE, in either order, meet in one database."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hl7.client import MLLPClient
from sqlalchemy import select

from database.session import query
from database.studies.received_values import values_near
from database.tables.study.analysis import Event, Study
from hl7_node.er7 import format_moment
from hl7_node.listener import start_listener
from settings.hl7 import Hl7Listener
from settings.peers import RequestPriority
from tests.builders.hl7_messages import order, results
from tests.peers.ports import free_port
from tests.unit.dicom_node.running_node import RunningNode, running_node
from tests.unit.dicom_node.small_ct import small_ct, write

pytestmark = pytest.mark.integration

PATIENT = "PID|1||P1^^^HOSPITAL^MR"


def hear(node: RunningNode, *messages: bytes) -> None:
    """Take messages with a listener beside the node."""
    settings = Hl7Listener(host="127.0.0.1", port=free_port(), senders=("127.0.0.1",))
    listener = start_listener(node.settings, settings, node.engine)
    try:
        with MLLPClient("127.0.0.1", listener.port) as client:
            for message in messages:
                assert b"MSA|AA|" in client.send_message(message)
    finally:
        listener.stop()


@pytest.mark.parametrize("first", ["messages", "images"])
def test_order_and_values_meet_their_study(tmp_path: Path, first: str) -> None:
    """The study is STAT, and has the respiratory rate, whichever came first."""
    with running_node(tmp_path) as node:

        def store() -> None:
            (status,) = node.statuses(write(small_ct(), tmp_path / "scanner"))
            assert status == 0

        def say() -> None:
            hear(
                node,
                order("A1", patient=PATIENT),
                results(
                    "NM|9279-1^RR^LN||31|/min|||||F|||" + format_moment(datetime.now(UTC)),
                    patient=PATIENT,
                ),
            )

        for step in (say, store) if first == "messages" else (store, say):
            step()
        with query(node.engine) as session:
            study = session.scalars(select(Study)).one()
            names = session.scalars(select(Event.name).where(Event.study_id == study.id)).all()
            values = values_near(session, "P1", study.received_at)
    assert study.priority is RequestPriority.STAT
    assert "clinical_values_received" in names
    assert names.count("priority_raised") == 1
    assert values.facts() == {"respiratory_rate_per_min": 31}
