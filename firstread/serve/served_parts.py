"""Runs every part of Firstread as a separate process, and restarts each that dies."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import typer

from database.accounts.audit import OURSELVES, Actor, record_audit
from database.process_signs import give_signs, process_name
from database.session import Engine, query, transaction
from database.work_waits import work_waits
from firstread.checks.start import places_of, say_start, say_to_person
from firstread.data_folder import make_data_folder, open_database
from firstread.say import errors_to_exit_code
from firstread.serve.forked_part import ForkedPart, RunningPart, import_what_parts_share
from firstread.serve.supervisor import ended_by_sigterm, running, watch_until_stopped
from radiology.errors import DatabaseUnavailable
from settings.environment import Settings
from settings.log.log_events import get_logger
from settings.served_process import ServedProcess

_log = get_logger("serve")
_NOT_NOW = 1  # exit code; trying again may help


def serve_part(settings: Settings, part: ServedProcess, concurrency: int) -> int:
    """Run one part in this process until it is told to stop; returns its exit code.

    That is 2 where the settings do not let it run, and 1 where something is not there for now.
    """
    try:
        engine = open_database(settings)
    except DatabaseUnavailable as error:
        _log.error("part_not_started", not_started=part.value, message=str(error))
        return _NOT_NOW
    make_data_folder(settings.data_folder)
    process = f"{part.value}@{process_name()}"
    _record_activity(engine, "process_started", process)
    engine.dispose()  # no connection survives a fork
    try:
        return _run(settings, engine, part, concurrency)
    finally:
        _record_activity(engine, "process_stopped", process)


def _record_activity(engine: Engine, name: str, process: str) -> None:
    """Note that a part begins or ends (PS3.15 A.5.3.1). It runs too while that cannot be noted."""
    facts: dict[str, Any] = {"process": process, "software": version("firstread")}
    try:
        with transaction(engine) as session:
            record_audit(session, name, datetime.now(UTC), Actor(OURSELVES, "", ""), **facts)
    except DatabaseUnavailable as error:
        _log.error("activity_not_recorded", activity=name, message=str(error))


def _run(settings: Settings, engine: Engine, part: ServedProcess, concurrency: int) -> int:
    if part is ServedProcess.NODE:
        from dicom_node.__main__ import main as run_node

        return run_node()
    if part is ServedProcess.WORKLIST:
        from worklist.__main__ import main as run_worklist

        return run_worklist()
    if part is ServedProcess.HL7:
        from hl7_node.__main__ import main as run_hl7

        return run_hl7()
    if part is ServedProcess.BEAT:
        from worker.celery_app import app
        from worker.tasks.beat import Beat

        def clock() -> datetime:
            return datetime.now(UTC)

        end_signs = give_signs(engine, part.value, clock)
        try:
            Beat(app, engine, settings.sweep_s, clock).run()
        finally:
            end_signs()
    else:
        from worker.tasks.process import run_worker

        threads = 2 * len(settings.flags) + 1  # one for each channel, and room for wake-ups
        run_worker(part.value, threads if part is ServedProcess.FLAGS else concurrency)
    return 0


def serve_all(settings: Settings) -> int:
    """Run every part, restart what dies, and stop all of them on SIGTERM or Ctrl-C.

    The parts are forks of this process: together they hold half of what they would otherwise.
    """
    fork = functools.partial(_fork_part, settings)
    say = functools.partial(say_to_person, settings)
    say_start(settings)
    _log.info("starting", **places_of(settings))
    with (
        ended_by_sigterm(),
        running(settings, start=fork, prepare=_prepare_forks, say=say) as supervisor,
        _serving_said(settings),
    ):
        watch_until_stopped(supervisor)
    return 0


@contextlib.contextmanager
def _serving_said(settings: Settings) -> Iterator[None]:
    """Have it said when node and page answer: by a fork, since whoever forks runs no threads."""

    def look() -> int:
        from firstread.serve.answering import say_when_serving

        say_when_serving(settings)
        return 0

    looking = ForkedPart("looking", look)
    try:
        yield
    finally:
        looking.terminate()
        looking.wait()


def _prepare_forks(engine: Engine) -> None:
    with query(engine) as session:  # what SQLAlchemy makes at its first questions is shared too
        work_waits(session, datetime.now(UTC))
    import_what_parts_share()


def _fork_part(settings: Settings, part: ServedProcess) -> RunningPart:
    def run() -> int:
        try:
            with errors_to_exit_code():
                return serve_part(settings, part, concurrency=1)
        except typer.Exit as ended:
            return ended.exit_code

    return ForkedPart(part.value, run)
