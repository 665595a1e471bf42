"""What no row can be locked for is done by one process at a time, in the database of both sizes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import select, text

from database.one_at_a_time import alone
from database.session import Engine, open_engine, query, transaction
from database.tables.operation.doctor import DoctorRun
from database.tables.operation.trace import TraceCursor
from database.traces.cursor import begin_traces, note_sent
from tests.peers.waiting import wait_until

pytestmark = pytest.mark.integration

_PROCESS = """
import sys
from datetime import UTC, datetime
from database.doctor.runs import begin_run
from database.session import open_engine, transaction
from database.traces.cursor import begin_traces
engine = open_engine(sys.argv[1])
with engine.connect():
    print("ready", flush=True)
with transaction(engine) as session:
    run = begin_run(session, datetime.now(UTC), asked_by="chief", machine="ct-ai")
with transaction(engine) as session:
    begin_traces(session)
print("refused" if run is None else run.run_id, flush=True)
"""


@contextmanager
def _nobody_writes(engine: Engine, *tables: str) -> Iterator[None]:
    """Until the end of the block tables can be read, and whoever writes to one waits."""
    with engine.begin() as connection:  # of SQLite: BEGIN IMMEDIATE
        if engine.dialect.name == "postgresql":
            connection.execute(text(f"LOCK TABLE {', '.join(tables)} IN EXCLUSIVE MODE"))
        yield


def _waiting(engine: Engine) -> int:
    """How many wait for a lock, as PostgreSQL says; of SQLite it is not known."""
    if engine.dialect.name != "postgresql":
        return 2
    with engine.connect() as connection:
        return int(
            connection.scalar(text("SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted"))
            or 0
        )


def test_of_two_doctors_that_begin_at_once_one_is_refused(engine: Engine) -> None:
    """Both have looked when neither has begun, each in a process of its own; 4 s for each size.

    Without a lock PostgreSQL lets both see that nobody is under way: two phantoms are sent, and
    one run deletes the row of the other. The cursor of the traces is begun in the same way.
    """
    url = engine.url.render_as_string(hide_password=False)
    doctors = [
        subprocess.Popen([sys.executable, "-c", _PROCESS, url], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    with _nobody_writes(engine, "doctor_run", "trace_cursor"):
        for one in doctors:
            assert one.stdout is not None
            assert one.stdout.readline() == "ready\n"
        wait_until(lambda: _waiting(engine) == 2, what="both to wait", limit_s=60)
    said = sorted(one.communicate(timeout=60)[0].strip() for one in doctors)
    assert [one.returncode for one in doctors] == [0, 0]
    assert said[1] == "refused"
    with query(engine) as session:
        assert [str(one) for one in session.scalars(select(DoctorRun.id))] == said[:1]
        assert session.scalars(select(TraceCursor.event_id)).all() == [0]


def test_traces_do_not_go_back(engine: Engine) -> None:
    """A worker that has sent less than another one does not have the rest sent again."""
    with transaction(engine) as session:
        begin_traces(session)
    with transaction(engine) as slow:
        slow.get_one(TraceCursor, 1)  # as it was before the other one noted what it had sent
        if engine.dialect.name == "postgresql":  # SQLite has one writer at a time
            with transaction(engine) as fast:
                note_sent(fast, 200)
        note_sent(slow, 100)
    with query(engine) as session:
        reached = session.scalars(select(TraceCursor.event_id)).one()
    assert reached == (200 if engine.dialect.name == "postgresql" else 100)


def test_a_second_one_is_not_alone(postgres_url: str) -> None:
    """Nor does it wait; and where the first has ended, the next may begin."""
    engine = open_engine(postgres_url)
    with (
        alone(engine, "sweep", most_s=60) as first,
        alone(engine, "sweep", most_s=60) as second,
        alone(engine, "other", most_s=60) as other,
    ):
        assert (first, second, other) == (True, False, True)
    with alone(engine, "sweep", most_s=60) as again:
        assert again
    engine.dispose()


@pytest.mark.parametrize(("how", "most_s"), [("killed", 600), ("lost", 1)])
def test_who_is_gone_holds_nobody_up(postgres_url: str, how: str, most_s: int) -> None:
    """A process that was killed, at once; a machine without power, whose connection seems to live,
    after the longest that it may take. 1 s each.
    """
    program = (
        "import sys, time\n"
        "from database.one_at_a_time import alone\n"
        "from database.session import open_engine\n"
        "with alone(open_engine(sys.argv[1]), 'sweep', most_s=float(sys.argv[2])) as mine:\n"
        "    print(mine, flush=True)\n"
        "    time.sleep(600)\n"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", program, postgres_url, str(most_s)],
        stdout=subprocess.PIPE,
        text=True,
    )
    engine = open_engine(postgres_url)

    def is_free() -> bool:
        with alone(engine, "sweep", most_s=60) as mine:
            return mine

    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "True\n"
        assert not is_free()
        if how == "killed":
            holder.kill()
        wait_until(is_free, what="the lock to be free", limit_s=20)
    finally:
        holder.kill()
        holder.communicate()
        engine.dispose()
