"""Counts of several processes add up, survive each of them, and are of what was committed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from database.metrics import counted
from database.metrics.counted import (
    count,
    count_once_committed,
    counted_series,
    observe,
    save_counts,
)
from database.metrics.declared import EVERY, JOB_STEP, LEASES_LOST
from database.session import Engine, open_engine, query, transaction
from radiology.errors import DatabaseUnavailable
from tests.builders.stored.empty_database import make_tables
from tests.peers.programs import REPOSITORY

_PROCESS = """
import sys
from database.metrics.counted import count, observe, save_counts
from database.metrics.declared import JOB_STEP, LEASES_LOST
from database.session import open_engine
count(LEASES_LOST, by=float(sys.argv[2]), queue="jobs")
observe(JOB_STEP, 3.0, bundle="b", step="inferred")
save_counts(open_engine(sys.argv[1]))
"""


@pytest.fixture
def address(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'rows.sqlite'}"
    make_tables(open_engine(url))
    return url


@pytest.fixture
def engine(address: str, monkeypatch: pytest.MonkeyPatch) -> Engine:
    monkeypatch.setattr(counted, "_in_memory", {})
    return open_engine(address)


def values(engine: Engine) -> dict[tuple[str, tuple[str, ...]], float]:
    with query(engine) as session:
        return {(one.metric.name, one.labels): one.value for one in counted_series(session)}


def test_processes_add_up(address: str, engine: Engine) -> None:
    """What one process has counted stays when it ends, and the next one adds to it."""
    for number in ("2", "3"):
        subprocess.run(
            [sys.executable, "-c", _PROCESS, address, number], check=True, cwd=REPOSITORY
        )
    count(LEASES_LOST, queue="jobs")
    save_counts(engine)
    assert values(engine)[LEASES_LOST.name, ("jobs",)] == 6
    with query(engine) as session:
        (steps,) = [one for one in counted_series(session) if one.metric is JOB_STEP]
    assert steps.value == pytest.approx(6.0)
    assert [*zip((*JOB_STEP.bounds, None), steps.buckets, strict=True)][5] == (5.0, 2.0)
    assert sum(steps.buckets) == 2


def test_what_is_rolled_back_is_not_counted(engine: Engine) -> None:
    """A commit counts once; a transaction that fails counts nothing."""

    def fail() -> None:
        with transaction(engine) as session:
            count_once_committed(session, LEASES_LOST, queue="jobs")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    save_counts(engine)
    assert values(engine) == {}
    with transaction(engine) as session:
        count_once_committed(session, LEASES_LOST, queue="jobs")
    save_counts(engine)
    save_counts(engine)
    assert values(engine) == {(LEASES_LOST.name, ("jobs",)): 1}


def test_nothing_is_lost_while_the_database_is_away(engine: Engine) -> None:
    """What could not be saved is saved the next time, with what was counted since."""
    count(LEASES_LOST, queue="jobs")
    with pytest.raises(DatabaseUnavailable):
        save_counts(open_engine("postgresql+psycopg://nobody@127.0.0.1:1/none"))
    count(LEASES_LOST, queue="jobs")
    save_counts(engine)
    assert values(engine) == {(LEASES_LOST.name, ("jobs",)): 2}


def test_labels_are_those_of_the_metric(engine: Engine) -> None:
    """A label too many, or another name, is a defect at the place that counts."""
    with pytest.raises(ValueError, match="has the labels queue"):
        count(LEASES_LOST, queue="jobs", patient="1")
    with pytest.raises(ValueError, match="bundle, step"):
        observe(JOB_STEP, 1.0, bundle="b")


@pytest.mark.parametrize(("seconds", "bucket"), [(-1.0, 0), (0.1, 0), (0.11, 1), (1e9, -1)])
def test_a_duration_falls_into_its_bucket(engine: Engine, seconds: float, bucket: int) -> None:
    """On a bound it belongs below it; clocks that differ give no negative duration."""
    observe(JOB_STEP, seconds, bundle="b", step="decoded")
    save_counts(engine)
    with query(engine) as session:
        (steps,) = counted_series(session)
    assert steps.buckets[bucket] == 1
    assert sum(steps.buckets) == 1
    assert steps.value == max(0.0, seconds)


def test_names_are_as_prometheus_wants_them() -> None:
    """Counters end in _total, durations in _seconds; each name stands once."""
    assert len({metric.name for metric in EVERY}) == len(EVERY)
    for metric in EVERY:
        assert metric.name.startswith("firstread_")
        assert metric.name.endswith("_seconds" if metric.bounds else "_total")
        assert list(metric.bounds) == sorted(metric.bounds)
