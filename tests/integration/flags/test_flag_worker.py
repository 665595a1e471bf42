"""The flag worker as processes of both sizes: told exactly once, whenever the worker is killed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from queue import Queue

import pytest
from sqlalchemy import select

from database.flag_states import FlagState, NoticeState
from database.flags.rules import FlagRules
from database.session import Engine, open_engine, query
from database.tables.readers.flag import FlagAttempt, FlagNotice
from database.tables.study.analysis import Event
from radiology.urgency import Urgency
from settings.environment import Settings
from settings.flags import AnyChannel, Flagging, WorkItemWebChannel
from tests.builders.stored.empty_database import make_tables
from tests.builders.stored.flags import FlaggedStudy, mail, webhook
from tests.builders.stored.rows import NOON
from tests.peers.dicom.work_item_service import STATE, running_service
from tests.peers.firstreads.hospital import native_command
from tests.peers.flag_receivers import (
    WebReceiver,
    answers_with,
    hangs_until,
    running_mail_receiver,
    running_web_receiver,
)
from tests.peers.process import ServerProcess
from tests.peers.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(360)]

_LIMIT_S = 120.0
_QUICK = Flagging(first_retry_s=0.2, longest_retry_s=1.0, escalation_s=(1.0,))


class FlagWorker:
    """The processes that flags need: their worker, the sweep and its clock."""

    def __init__(
        self, folder: Path, engine: Engine, environment: Mapping[str, str], rules: FlagRules
    ) -> None:
        self.engine = engine
        self.rules = rules
        self._folder = folder
        self._environment = environment
        self._processes: dict[str, ServerProcess] = {}

    def start(self, *parts: str) -> None:
        """Start parts, as `firstread serve` or Docker do."""
        for part in parts:
            command = native_command(("firstread", "serve", "--only", part))
            self._processes[part] = ServerProcess(
                part, command, folder=self._folder, environment=self._environment
            )

    def kill(self) -> None:
        """Kill the worker of the flags outright, with everything that it forked."""
        self._processes["flags"].kill()

    def end(self) -> int:
        """Ask the worker of the flags to end; gives its exit code."""
        process = self._processes["flags"]
        process.ask_to_stop()
        return process.process.wait(timeout=20)

    def kill_all(self) -> None:
        """Kill every part."""
        for process in self._processes.values():
            process.kill()

    def logs(self) -> str:
        """What the parts printed last."""
        return "\n".join(one.log_tail() for one in self._processes.values())

    def raise_flags(self, count: int) -> list[FlaggedStudy]:
        """So many urgent studies."""
        studies = [FlaggedStudy(self.engine, self.rules, number=n) for n in range(1, count + 1)]
        for study in studies:
            study.result(Urgency.URGENT, study.number)
        return studies

    def wait_for(self, count: int, state: NoticeState = NoticeState.ACCEPTED) -> None:
        """Wait until so many notices have ended so."""

        def ended() -> bool:
            with query(self.engine) as session:
                found = session.scalars(
                    select(FlagNotice.id).where(FlagNotice.state == state)
                ).all()
            return len(found) >= count

        try:
            wait_until(ended, what=f"{count} notices {state.value}", limit_s=_LIMIT_S)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.logs()}") from error


Start = Callable[..., "FlagWorker"]


@pytest.fixture(params=["embedded", "hospital"])
def flag_worker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Start]:
    """Give a function that starts the worker of some channels, of both sizes in turn."""
    with _database_and_broker(request, tmp_path) as (engine, environment):
        started: list[FlagWorker] = []

        def start(*channels: AnyChannel, flagging: Flagging = _QUICK) -> FlagWorker:
            rules = FlagRules(channels, flagging)
            said = {
                "FIRSTREAD_FLAGS": json.dumps([one.model_dump(mode="json") for one in channels]),
                "FIRSTREAD_FLAGGING": flagging.model_dump_json(),
                **environment,
            }
            worker = FlagWorker(tmp_path, engine, said, rules)
            started.append(worker)
            worker.start("flags", "housekeeping", "beat")
            return worker

        yield start
        for worker in started:
            worker.kill_all()


@contextmanager
def _database_and_broker(
    request: pytest.FixtureRequest, folder: Path
) -> Iterator[tuple[Engine, dict[str, str]]]:
    environment = {"FIRSTREAD_DATA_FOLDER": str(folder / "data")}
    (folder / "data").mkdir()
    if request.param == "hospital":
        environment["FIRSTREAD_DATABASE_URL"] = request.getfixturevalue("postgres_url")
        environment["FIRSTREAD_BROKER_URL"] = request.getfixturevalue("redis_url")
        engine = open_engine(environment["FIRSTREAD_DATABASE_URL"])
    else:
        engine = open_engine(Settings(data_folder=folder / "data").database_address)
    make_tables(engine)
    yield engine, environment
    engine.dispose()


def _pager(receiver: WebReceiver, **values: object) -> AnyChannel:
    # Long enough for a busy machine: an attempt that ends before its answer is made once more.
    return webhook(port=receiver.port, **{"answer_s": 6.0, **values})


def test_killed_before_and_after_the_answer(flag_worker: Start) -> None:
    """kill -9 while a notice is on its way, and when it has arrived: each is seen exactly once."""
    with running_web_receiver() as receiver:
        worker = flag_worker(_pager(receiver))
        deaths: Queue[None] = Queue()

        def is_killed(request: BaseHTTPRequestHandler) -> None:
            worker.kill()
            deaths.put(None)

        def answers_and_is_killed(request: BaseHTTPRequestHandler) -> None:
            answers_with(200)(request)
            is_killed(request)

        taken = answers_with(200)
        receiver.behaviours = [taken, is_killed, taken, answers_and_is_killed, taken]
        studies = worker.raise_flags(4)
        for _ in range(2):
            deaths.get(timeout=_LIMIT_S)
            # Not by the receiver's thread: a program of ours dies with the thread that started it.
            worker.start("flags")
        worker.wait_for(4)
        told = [one.said["data"]["flag_uid"] for one in receiver.once_each]
        assert told == [one.flag().flag_uid for one in studies]
        assert len(receiver.received) in (5, 6)  # killed after its answer, it may have written it
        with query(worker.engine) as session:
            attempts = session.scalars(select(FlagAttempt)).all()
        assert len(attempts) == len(receiver.received)


def test_a_receiver_that_fails_holds_up_no_other(flag_worker: Start) -> None:
    """One channel hangs, one refuses, one breaks off first: each is told, or says why not."""
    with (
        running_web_receiver() as hanging,
        running_web_receiver(answers_with(410)) as refusing,
        running_web_receiver(answers_with(503), answers_with(200)) as busy,
        running_mail_receiver() as post,
    ):
        hanging.behaviours = [hangs_until(hanging.ended)]
        worker = flag_worker(
            _pager(hanging, name="hanging", answer_s=1.0),
            _pager(refusing, name="refusing", answer_s=30.0),
            _pager(busy, name="busy", answer_s=30.0),
            mail(port=post.port),
        )
        (study,) = worker.raise_flags(1)
        worker.wait_for(2)
        worker.wait_for(1, NoticeState.REFUSED)
        assert study.notices("hanging")[0][1] is NoticeState.WAITING
        assert len(busy.received) == 2
        assert len({one.headers["webhook-id"] for one in busy.received}) == 1
        assert len(post.taken) == 1


def test_nobody_acknowledges_so_the_next_channel_is_told(flag_worker: Start) -> None:
    """The sweep tells the next step; its answer acknowledges, and the first channel learns it."""
    said = json.dumps({"acknowledged_by": "duty"}).encode()
    with (
        running_web_receiver() as first,
        running_web_receiver(answers_with(200, said)) as second,
    ):
        worker = flag_worker(_pager(first), _pager(second, name="duty", escalation=1))
        (study,) = worker.raise_flags(1)
        worker.wait_for(3)
        flag = study.flag()
        assert (flag.state, flag.acknowledged_by) == (FlagState.ACKNOWLEDGED, "duty")
        kinds = [one.said["type"] for one in first.received]
        assert kinds == ["firstread.flag.raised", "firstread.flag.acknowledged"]
        assert len(second.received) == 1


def test_the_worker_ends_when_it_is_told_to(flag_worker: Start) -> None:
    """Its threads do not keep it alive."""
    with running_web_receiver() as receiver:
        worker = flag_worker(_pager(receiver))
        worker.raise_flags(1)
        worker.wait_for(1)
        assert worker.end() == 0


def test_claimed_elsewhere_while_the_worker_is_killed(flag_worker: Start) -> None:
    """kill -9 while a manager is asked: asked once more, acknowledged once, nobody else told."""
    with running_service() as manager, running_web_receiver() as pager:
        work_items = WorkItemWebChannel.model_validate(
            {"kind": "work-item-web", "name": "elsewhere", "url": manager.url, "answer_s": 6.0}
        )
        worker = flag_worker(
            work_items,
            _pager(pager, escalation=1),
            flagging=Flagging(claims_s=0.5, escalation_s=(90.0,)),
        )
        deaths: Queue[None] = Queue()

        def is_killed() -> bool:
            if deaths.empty() and manager.heard[-1][0] == "GET":
                worker.kill()
                deaths.put(None)
                return True
            return False

        manager.before_answer = is_killed
        study = FlaggedStudy(worker.engine, worker.rules)
        # Just now: an old flag is asked about rarely, and its next step is overdue.
        study.result(Urgency.URGENT, (datetime.now(UTC) - NOON).total_seconds())
        worker.wait_for(1)
        for item in list(manager.work_items.values()):
            item[STATE]["Value"] = ["IN PROGRESS"]
        wait_until(lambda: not deaths.empty(), what="a question", limit_s=_LIMIT_S)
        # Not by the service's thread: a program of ours dies with the thread that started it.
        worker.start("flags")

        def seen() -> bool:
            return study.flag().state is FlagState.ACKNOWLEDGED

        wait_until(seen, what="the acknowledgement", limit_s=_LIMIT_S)
        with query(worker.engine) as session:
            claims = session.scalars(select(Event).where(Event.name == "work_item_claimed")).all()
        assert [one.facts["channel"] for one in claims] == ["elsewhere"]
        assert study.flag().acknowledged_by == "elsewhere"
        assert pager.received == []
