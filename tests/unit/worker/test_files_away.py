"""While files cannot be had, no row is claimed that needs them: no attempt is spent on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from database.session import Session, open_engine
from settings.environment import Settings
from storage import bucket_files
from storage.kept_files import kept_files
from tests.peers.ports import free_port
from tests.peers.seaweedfs import ObjectServer
from worker.attempt.attempt_next import attempt_next
from worker.attempt.lease import Lease
from worker.attempt.queue import Queue, Unsuccessful
from worker.attempt.retry import Backoff
from worker.equipment import Equipment


@dataclass(frozen=True)
class _Row:
    attempts: int = 1
    after_defect: bool = False


class _Rows(Queue[_Row]):
    """A queue whose rows need files; counts how often one was claimed."""

    name = "rows"
    needs_files = True
    claimed = 0

    @property
    def backoff(self) -> Backoff:
        return Backoff(0.0, 0.0, max_attempts=3)

    def claim(self, session: Session, now: datetime) -> _Row | None:
        self.claimed += 1
        return None

    def facts(self, claim: _Row) -> Mapping[str, int | str]:
        return {}

    def attempt(self, claim: _Row, lease: Lease) -> None:
        raise NotImplementedError

    def settle(self, session: Session, claim: _Row, end: Unsuccessful) -> None:
        raise NotImplementedError


class _Flags(_Rows):
    """One whose rows need none."""

    needs_files = False


def _equipment(folder: Path, server: ObjectServer, endpoint: str) -> Equipment:
    url = f"sqlite:///{folder / 'test.sqlite'}"
    storage = server.settings("files-away").model_copy(update={"endpoint": endpoint})
    settings = Settings(data_folder=folder, database_url=SecretStr(url), object_storage=storage)
    return Equipment(
        settings=settings, engine=open_engine(url), worker="w", clock=lambda: datetime.now(UTC)
    )


def test_nothing_is_claimed_that_needs_files(
    object_server: ObjectServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Away: rows wait, and flags are told all the same; the log says it once. Back: they go on."""
    monkeypatch.setattr(bucket_files, "_AWAY_S", 0.0)
    away = _equipment(tmp_path, object_server, f"http://127.0.0.1:{free_port()}")
    rows, flags = _Rows(away), _Flags(away)
    with capture_logs() as said:
        for _ in range(3):
            assert not attempt_next(rows, away)
            attempt_next(flags, away)
    assert (rows.claimed, flags.claimed) == (0, 3)
    assert [one["event"] for one in said] == ["object_storage_away"]
    assert "does not answer" in kept_files(away.settings).fault

    object_server.new_bucket("files-away")
    there = _equipment(tmp_path, object_server, object_server.endpoint)
    rows = _Rows(there)
    attempt_next(rows, there)
    assert rows.claimed == 1
    assert kept_files(there.settings).fault == ""


def test_without_a_bucket_nothing_is_asked(tmp_path: Path) -> None:
    """The data folder is there; rows are claimed as ever."""
    url = f"sqlite:///{tmp_path / 'test.sqlite'}"
    equipment = Equipment(
        settings=Settings(data_folder=tmp_path),
        engine=open_engine(url),
        worker="w",
        clock=lambda: datetime.now(UTC),
    )
    rows = _Rows(equipment)
    attempt_next(rows, equipment)
    assert rows.claimed == 1
