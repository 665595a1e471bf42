"""What other systems are told of rows that a release wrote: flags again, work items, HL7."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from pydantic import TypeAdapter
from sqlalchemy import select, update

from chest.values.answer_codes import SEVERITY_SCORES
from database.flag_states import NoticeState
from database.session import query, transaction
from database.tables.readers.flag import FlagNotice
from database.tables.study.analysis import Result, Study
from database.views.worklist.worklist_rows import study_page
from database.work_items.content import WorkItemKeys, find_work_items, read_work_items
from dicom_node.work_items.attributes import scheduled_data_set
from firstread.hl7.messages import study_notice
from radiology.work_item import WorkItemState
from settings.environment import Settings
from settings.flags import AnyChannel, Hl7Channel
from tests.builders.old_rows.old_site import OldSite
from tests.peers.dicom.work_item_manager import ManagerPeer, running_manager
from tests.peers.flag_receivers import (
    MailReceiver,
    WebReceiver,
    running_mail_receiver,
    running_web_receiver,
)
from tests.peers.hl7_listener import ReceivedMessages, hl7_listener
from worker.equipment import Equipment
from worker.flag.channels import Channels
from worker.flag.flag_study import tell_one
from worker.flag.hl7_observation import observation_message

pytestmark = pytest.mark.integration

_CHANNELS: TypeAdapter[tuple[AnyChannel, ...]] = TypeAdapter(tuple[AnyChannel, ...])


@dataclass(frozen=True)
class Receivers:
    """One of each kind, under the names that the old site had for them, and our settings."""

    pager: WebReceiver
    ward: MailReceiver
    his: ReceivedMessages
    manager: ManagerPeer
    settings: Settings


@contextmanager
def running_receivers(old: OldSite) -> Iterator[Receivers]:
    """Start them; stopped at the end of the block."""
    with ExitStack() as stack:
        pager = stack.enter_context(running_web_receiver())
        ward = stack.enter_context(running_mail_receiver())
        his = stack.enter_context(hl7_listener())
        manager = stack.enter_context(running_manager())
        here: dict[str, Any] = {"host": "127.0.0.1"}
        mail = {"sender": "us@hospital.example", "recipients": ["ward@hospital.example"]}
        channels = [
            {"kind": "webhook", "name": "pager", "url": pager.url},
            {"kind": "mail", "name": "ward", "port": ward.port, "start_tls": False, **mail, **here},
            {"kind": "hl7", "name": "his", "port": his.port, **here},
            {"kind": "work-item", "name": "reading-room", "peer": "manager"},
        ]
        told = {"flags": _CHANNELS.validate_python(channels), "peers": (manager.as_peer,)}
        yield Receivers(pager, ward, his, manager, old.settings.model_copy(update=told))


def test_every_notice_is_told_again(old: OldSite) -> None:
    """Each channel takes what it was told then; what is said follows from the stored reading."""
    with transaction(old.engine) as session:
        session.execute(
            update(FlagNotice).values(
                state=NoticeState.WAITING, due_at=old.now, lease_until=None, ask_at=None
            )
        )
    later = old.now + timedelta(minutes=1)
    with running_receivers(old) as receivers:
        channels = Channels(receivers.settings)
        worker = Equipment(receivers.settings, old.engine, "host:1", lambda: later)
        for name in channels.names:
            while tell_one(worker, channels, name):
                pass
        channels.close()
        with query(old.engine) as session:
            notices = session.scalars(select(FlagNotice)).all()
            results = {one.id: one for one in session.scalars(select(Result))}
        assert {one.channel for one in notices} == set(channels.names)
        assert [one for one in notices if one.state is not NoticeState.ACCEPTED] == []
        told: dict[str, list[FlagNotice]] = {name: [] for name in channels.names}
        for one in notices:
            told[one.channel].append(one)
        assert len(receivers.pager.received) == len(told["pager"])
        assert len(receivers.ward.taken) == len(told["ward"])
        assert len(receivers.manager.work_items) >= 1
        for web, notice in zip(receivers.pager.received, told["pager"], strict=True):
            assert web.said["data"]["notice_uid"] == notice.notice_uid
            assert web.said["data"]["suspicion"] == results[notice.result_id].suspicion
            assert web.said["data"]["objects"]
        for text, notice in zip(receivers.his.texts, told["his"], strict=True):
            _says(text, results[notice.result_id])


def test_the_message_of_every_result(old: OldSite) -> None:
    """`firstread hl7 show` says of each study what its result in force holds."""
    channel = Hl7Channel(name="example", kind="hl7", host="localhost", port=2575)
    with query(old.engine) as session:
        for uid in session.scalars(select(Study.study_instance_uid)):
            page = study_page(session, uid)
            assert page is not None
            if page.row.result is None:
                continue
            message = observation_message(study_notice(page, old.settings), channel, old.now)
            _says(message, page.row.result)


def _says(message: str, result: Any) -> None:
    """Share, confidence, bundle with its version and each score of an answer stand in a message."""
    facts = result.reading
    if result.urgency is None:
        assert "AI triage: not assessable" in message
        return
    assert f"|{round(facts['figures']['total']['lesion_share_percent'], 1):g}|" in message
    assert f"^{result.bundle} {facts['algorithm']['version']}^" in message
    assert facts["confidence"]["word"] in message.lower()
    answered = [one for one in facts["severity"]["scores"] if one["name"] in SEVERITY_SCORES]
    for score in answered:
        if score["value"] is not None:
            assert SEVERITY_SCORES[score["name"]].value in message


def test_work_items_are_offered_as_they_stand(old: OldSite) -> None:
    """Each is found by its state; what its client has set is DICOM that can be read."""
    with query(old.engine) as session:
        ids = find_work_items(session, WorkItemKeys(), limit=100)
        found = read_work_items(session, ids, with_inputs=True)
    assert {WorkItemState.COMPLETED, WorkItemState.CANCELED, WorkItemState.SCHEDULED} <= {
        one.state for one in found
    }
    for one in found:
        data_set = scheduled_data_set(one.item)
        assert data_set.PatientID == one.item.patient_id
        assert data_set.InputInformationSequence
        data_set.update(type(data_set).from_json(json.dumps(one.performed)))
        if one.state is WorkItemState.COMPLETED:
            (performed,) = data_set.UnifiedProcedureStepPerformedProcedureSequence
            assert performed.PerformedStationNameCodeSequence[0].CodeValue == "R1"
