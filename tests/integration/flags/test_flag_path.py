"""From a scanner's C-STORE to a receiver that is told, in both sizes, while PACS is down.

The same study is followed from outside: in the logs of all parts, and as a trace at a collector.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from database.flag_states import FlagState
from database.session import Engine, open_engine, query
from database.states import DeliveryState
from database.tables.readers.flag import Flag
from database.tables.study.analysis import Delivery
from phantom import make_phantom, phantom_grid
from phantom.identity import StudyIdentity
from phantom.lesions import EXTENSIVE_LESIONS
from phantom.study import write_phantom_study
from tests.builders.dicom.study_folder import shuffled, study_uid
from tests.peers.dicom.dcmtk import Dcmtk
from tests.peers.dicom.orthanc import OrthancPeer
from tests.peers.firstreads.embedded import Embedded, running_embedded
from tests.peers.firstreads.hospital import Hospital, running_hospital
from tests.peers.flag_receivers import WebReceiver, running_web_receiver
from tests.peers.trace_collector import TraceCollector, running_trace_collector
from tests.peers.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]

_LIMIT_S = 240.0  # a dozen processes on two busy cores
Running = tuple[Embedded | Hospital, Engine, WebReceiver, TraceCollector]


@pytest.fixture(params=["embedded", "hospital"])
def running(
    request: pytest.FixtureRequest, tmp_path: Path, another_orthanc: Callable[..., OrthancPeer]
) -> Iterator[Running]:
    """Firstread of both sizes in turn, who hears of it, and a PACS that is down."""
    pacs = another_orthanc()
    with ExitStack() as stack:
        receiver = stack.enter_context(running_web_receiver())
        collector = stack.enter_context(running_trace_collector())
        size: Embedded | Hospital
        if request.param == "embedded":
            channel = {"kind": "webhook", "name": "pager", "url": receiver.url}
            said = {
                "FLAGS": json.dumps([channel]),
                "MONITORING": json.dumps({"traces_url": collector.url}),
            }
            size = stack.enter_context(
                running_embedded(tmp_path, pacs=pacs, settings=said, limit_s=_LIMIT_S)
            )
            address = size.database_url
        else:
            toml = (
                f'[monitoring]\ntraces_url = "{collector.url}"\n'
                f'[[flags]]\nkind = "webhook"\nname = "pager"\nurl = "{receiver.url}"\n'
            )
            address = request.getfixturevalue("postgres_url")
            size = stack.enter_context(
                running_hospital(
                    tmp_path,
                    database_url=address,
                    broker_url=request.getfixturevalue("redis_url"),
                    pacs=pacs,
                    settings_toml=toml,
                    limit_s=_LIMIT_S,
                )
            )
        pacs.process.stop()
        engine = open_engine(address)
        yield size, engine, receiver, collector
        engine.dispose()


def test_an_urgent_study_is_told_while_pacs_is_down(
    running: Running, dcmtk: Dcmtk, tmp_path: Path
) -> None:
    """The receiver hears of it before any delivery, once, and the page's button ends it.

    What happened is one trace, from the association to the flag, and can be read in the log.
    """
    size, engine, receiver, collector = running
    folder = tmp_path / "phantom"
    phantom = make_phantom(
        grid=phantom_grid((60, 128, 128), (5.0, 2.8, 2.8)), lesions=EXTENSIVE_LESIONS
    )
    write_phantom_study(phantom, folder, identity=StudyIdentity.of(phantom))
    dcmtk.dcmsend(shuffled(folder, 1), port=size.dicom_port, called_ae_title=size.ae_title).check()
    wait_until(lambda: receiver.received, what="the receiver to be told", limit_s=_LIMIT_S)
    (told,) = receiver.received
    assert told.said["data"]["study_instance_uid"] == study_uid(folder)
    assert told.said["data"]["urgency"] == "urgent"
    assert len(told.said["data"]["objects"]) == 3
    with query(engine) as session:
        assert session.scalars(select(Delivery.state)).one() is DeliveryState.WAITING
        uid = session.scalars(select(Flag.flag_uid)).one()
    answer = httpx.post(
        f"{size.worklist_url}/flags/{uid}/acknowledge",
        headers={"Origin": size.worklist_url},
        trust_env=False,
    )
    assert answer.status_code == 303
    wait_until(lambda: len(receiver.received) == 2, what="the receiver to know", limit_s=_LIMIT_S)
    assert receiver.received[1].said["type"] == "firstread.flag.acknowledged"
    with query(engine) as session:
        assert session.scalars(select(Flag.state)).one() is FlagState.ACKNOWLEDGED
    _require_one_trace(collector, study_uid(folder))
    _require_log(size.data_folder.parent, study_uid(folder))


def _require_one_trace(collector: TraceCollector, uid: str) -> None:
    """From the association that brought the study to the pager that was told, below one span."""
    steps = ("wait", "selected", "decoded", "inferred", "encoded")
    wanted = ("study", "association", "assembly", "job", *steps, "flag")

    def spans() -> dict[str, dict[str, Any]]:
        return {one["name"]: one for one in reversed(collector.spans())}

    wait_until(lambda: {*spans()} >= {*wanted}, what="the whole trace", limit_s=_LIMIT_S)
    found = spans()
    assert len({one["trace"] for one in collector.spans()}) == 1
    assert {one["facts"]["firstread.study_instance_uid"] for one in collector.spans()} == {uid}
    above = {name: one["parent"] for name, one in found.items()}
    assert {above[name] for name in ("association", "assembly", "job", "flag")} == {
        found["study"]["id"]
    }
    assert {above[name] for name in steps} == {found["job"]["id"]}
    ended = [found[name]["ended"] for name in ("association", "assembly", *steps, "flag")]
    assert ended == sorted(ended)
    told = found["flag"]["facts"]
    assert (told["firstread.channel"], told["firstread.kind"]) == ("pager", "raised")


def _require_log(folder: Path, uid: str) -> None:
    """As docs/hospital/monitoring.md says: the lines with its UID, of all parts, in order."""
    lines = [
        json.loads(line)
        for file in folder.glob("*.log")
        for line in file.read_text().splitlines()
        if line.startswith("{")
    ]
    followed = [one for one in lines if one.get("study_instance_uid") == uid]
    said = [one["event"] for one in sorted(followed, key=lambda one: str(one["timestamp"]))]
    expected = ["study_arrives", "assembled", "encoded", "flag_sent"]
    assert [one for one in dict.fromkeys(said) if one in expected] == expected
    assert "attempt_postponed" in said, "PACS is away"
