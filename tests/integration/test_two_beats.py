"""Two clocks and two housekeeping workers at hospital size: what is due is done once."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import func, select, text

from database.flag_states import NoticeKind
from database.process_signs import process_signs
from database.session import Engine, open_engine, query, transaction
from database.states import JobState, StudyState
from database.tables.readers.account import AuditEvent
from database.tables.readers.flag import FlagNotice
from database.tables.readers.upload import Upload
from database.tables.study.analysis import Event, Job, Study
from database.tables.study.quarantine import QuarantinedObject
from database.uploads.received import open_upload
from radiology.urgency import Urgency
from settings.environment import Settings
from tests.builders.stored.empty_database import make_tables
from tests.builders.stored.flags import FlaggedStudy, rules, webhook
from tests.builders.stored.kept_studies import KeptSite
from tests.builders.stored.rows import NOON, arrival, claim, queue_job, receive
from tests.peers.firstreads.hospital import native_command
from tests.peers.process import ServerProcess
from tests.peers.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

_LIMIT_S = 120.0  # four processes on two busy cores
_LOOKS = 60  # of 0.05 s: six sweeps of each beat
_QUIET = range(100, 112)  # studies by number
_KEPT = 3


@pytest.fixture
def site(tmp_path: Path, postgres_url: str) -> Iterator[KeptSite]:
    """Rows of each kind that a sweep does something about; all of them are due."""
    settings = Settings(
        data_folder=tmp_path / "data", database_url=SecretStr(postgres_url), min_free_bytes=0
    )
    settings.data_folder.mkdir()
    engine = open_engine(postgres_url)
    make_tables(engine)
    FlaggedStudy(engine, rules(webhook(escalation=1)), number=1).result(Urgency.URGENT, 0)
    queue_job(engine, study=2)
    claim(engine)  # its worker is silent since
    kept = KeptSite(engine, settings)
    for _ in range(_KEPT):
        kept.study(NOON)
    kept.quarantine(NOON)
    with transaction(engine) as session:
        open_upload(
            session, NOON, token="a", folder="a", reader="local", receive_s=900.0, most_open=5
        )
    for number in _QUIET:
        receive(engine, arrival(study=number), datetime.now(UTC) - timedelta(minutes=1))
    yield kept
    engine.dispose()


def _start(site: KeptSite, redis_url: str, stack: ExitStack) -> dict[str, ServerProcess]:
    """Two of each part, as two hosts with one database, one broker and one data folder have it."""
    environment = {
        "FIRSTREAD_DATA_FOLDER": str(site.settings.data_folder),
        "FIRSTREAD_DATABASE_URL": site.engine.url.render_as_string(hide_password=False),
        "FIRSTREAD_BROKER_URL": redis_url,
        "FIRSTREAD_MIN_FREE_BYTES": "0",
        "FIRSTREAD_FLAGS": json.dumps([webhook(escalation=1).model_dump(mode="json")]),
    }
    return {
        f"{part}-{number}": stack.enter_context(
            ServerProcess(
                f"{part}-{number}",
                native_command(("firstread", "serve", "--only", part)),
                folder=site.settings.data_folder.parent,
                environment=environment,
            )
        )
        for part in ("housekeeping", "beat")
        for number in (1, 2)
    }


def _parts(engine: Engine) -> Counter[str]:
    with query(engine) as session:
        return Counter(one.part for one in process_signs(session))


def _waiting_for_studies(engine: Engine) -> int:
    """How many processes wait for the lock of the table."""
    asked = text(
        "SELECT count(DISTINCT pid) FROM pg_locks JOIN pg_class ON pg_class.oid = relation "
        "WHERE relname = 'study' AND NOT granted"
    )
    with engine.connect() as connection:
        return int(connection.scalar(asked) or 0)


def _is_done(engine: Engine) -> bool:
    with query(engine) as session:
        left = (
            select(func.count()).where(Study.state == StudyState.RECEIVED),
            select(func.count())
            .where(Study.originals_removed_at.is_(None), Study.id > 2)
            .where(Study.last_instance_at == NOON),
            select(func.count()).where(Job.state == JobState.SELECTED),
            select(func.count()).select_from(Upload),
            select(func.count()).select_from(QuarantinedObject),
        )
        told = select(func.count()).where(FlagNotice.kind == NoticeKind.RAISED)  # the last step
        return bool(session.scalar(told)) and not any(session.scalar(one) for one in left)


def _events(engine: Engine) -> Counter[str]:
    with query(engine) as session:
        return Counter(session.scalars(select(Event.name)))


def _lines(processes: dict[str, ServerProcess]) -> list[dict[str, Any]]:
    return [json.loads(line) for one in processes.values() for line in one.log().splitlines()]


def test_what_is_due_is_done_once(site: KeptSite, redis_url: str) -> None:
    """One sweep at a time, also while it is held up; assembled, requeued, escalated, removed and
    audited once each; no process finds fault with it, and all of them live on. 20 s.
    """
    engine = site.engine
    with ExitStack() as stack:
        with engine.begin() as holding:
            holding.execute(text("LOCK TABLE study IN EXCLUSIVE MODE"))  # it can be read
            processes = _start(site, redis_url, stack)
            wait_until(
                lambda: _parts(engine) == {"housekeeping": 2, "beat": 2},
                what="two of each part",
                limit_s=_LIMIT_S,
            )
            wait_until(lambda: _waiting_for_studies(engine) >= 1, what="a sweep", limit_s=_LIMIT_S)
            seen: list[int] = []

            def looked_often() -> bool:
                seen.append(_waiting_for_studies(engine))
                return len(seen) == _LOOKS

            wait_until(looked_often, what="sweeps of both beats", limit_s=_LIMIT_S, interval_s=0.05)
            assert set(seen) == {1}, "a second sweep began beside the first"
        wait_until(lambda: _is_done(engine), what="all that is due", limit_s=_LIMIT_S)
        with query(engine) as session:
            jobs = Counter(session.scalars(select(Job.study_id)))
            audited = session.execute(
                select(AuditEvent.study_instance_uid).where(AuditEvent.name == "images_removed")
            ).all()
            raised = session.scalars(
                select(FlagNotice.kind).where(FlagNotice.kind == NoticeKind.RAISED)
            ).all()
        assert set(jobs.values()) == {1}
        assert len(audited) == len(set(audited)) == _KEPT
        assert len(raised) == 1
        events = _events(engine)
        once = {
            "assembled": len(_QUIET) + 2,  # the two that were before
            "requeued": 1,
            "flag_escalated": 1,
            "originals_removed": _KEPT,
            "upload_deleted": 1,
        }
        assert {name: events[name] for name in once} == once
        assert all(one.running for one in processes.values())
    lines = _lines(processes)
    assert {one["event"] for one in lines} >= {"assembled", "jobs_requeued", "uploads_deleted"}
    assert [one for one in lines if one["event"] == "defect"] == []
