"""Heartbeats: each process of Firstread records every few seconds that it runs."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from database.metrics.counted import save_counts
from database.session import Engine, transaction
from database.tables.readers.upload import BundleSign, ProcessSign
from radiology.errors import DatabaseUnavailable

EVERY_S = 10.0
SILENT_AFTER_S = 3 * EVERY_S
_FORGOTTEN_AFTER = timedelta(hours=1)
_SWEEP = "sweep"  # a sign that no process gives alone
STARTING = "starting"
"""The part of a sign by which `firstread serve` asks its own node whether it answers: no process of
its own, and gone as soon as it does (`database.doctor.ticket`)."""


@dataclass(frozen=True, slots=True)
class LoadedFacts:
    """A bundle that a process keeps loaded."""

    process: str
    bundle: str
    version: str
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class ProcessFacts:
    """One process: who it is, and when it last said that it runs."""

    name: str
    part: str
    started_at: datetime
    seen_at: datetime


def process_name() -> str:
    """How this process is called in rows: host and process id."""
    return f"{socket.gethostname()}:{os.getpid()}"


def is_of_this_machine(name: str) -> bool:
    """Whether a process is one of this machine, by its name; a container is a machine."""
    return _machine(name) == socket.gethostname()


def record_sign(
    session: Session, name: str, part: str, *, started_at: datetime, now: datetime
) -> None:
    """Note that a process runs, and that a silent one of its part that it came after was replaced.

    Workers are replaced now and then to give memory back, and dead ones by their supervisor: the
    old one is not missed. One that nothing took the place of stays, silent.
    """
    row = session.get(ProcessSign, name)
    if row is None or row.started_at != started_at:
        session.merge(ProcessSign(name=name, part=part, started_at=started_at, seen_at=now))
    else:
        row.seen_at = now
    session.execute(
        delete(ProcessSign).where(
            ProcessSign.part == part,
            ProcessSign.name.startswith(f"{_machine(name)}:", autoescape=True),
            ProcessSign.name != name,
            ProcessSign.started_at < started_at,
            ProcessSign.seen_at < now - timedelta(seconds=SILENT_AFTER_S),
        )
    )


def note_sweep(session: Session, now: datetime) -> None:
    """Note that a sweep has come to its end: beat, broker, housekeeping and database work."""
    row = session.get(ProcessSign, _SWEEP)
    if row is None:
        session.add(ProcessSign(name=_SWEEP, part=_SWEEP, started_at=now, seen_at=now))
    else:
        row.seen_at = now


def last_sweep(session: Session) -> datetime | None:
    """When a sweep last came to its end, within some seconds; None: not lately, or never."""
    return session.scalar(select(ProcessSign.seen_at).where(ProcessSign.name == _SWEEP))


def forget_silent(session: Session, now: datetime) -> None:
    """Delete the heartbeats of processes that have been silent for long."""
    session.execute(delete(ProcessSign).where(ProcessSign.seen_at < now - _FORGOTTEN_AFTER))
    session.execute(
        delete(BundleSign).where(
            BundleSign.process.not_in(select(ProcessSign.name)),
            BundleSign.noted_at < now - _FORGOTTEN_AFTER,
        )
    )


def note_loaded(
    session: Session, process: str, loaded: Collection[tuple[str, str, int]], now: datetime
) -> None:
    """Note what a process keeps loaded, in place of what it kept before.

    Parameters
    ----------
    loaded : name, version and memory in bytes of each bundle
    """
    session.execute(delete(BundleSign).where(BundleSign.process == process))
    session.add_all(
        BundleSign(process=process, bundle=name, version=version, memory_bytes=memory, noted_at=now)
        for name, version, memory in loaded
    )


def loaded_bundles(session: Session, now: datetime) -> tuple[LoadedFacts, ...]:
    """What the processes keep loaded that have been heard of lately, by bundle."""
    lately = now - timedelta(seconds=SILENT_AFTER_S)
    rows = session.scalars(
        select(BundleSign)
        .join(ProcessSign, ProcessSign.name == BundleSign.process)
        .where(ProcessSign.seen_at >= lately)
        .order_by(BundleSign.bundle, BundleSign.process)
    )
    return tuple(
        LoadedFacts(row.process, row.bundle, row.version, row.memory_bytes) for row in rows
    )


def process_signs(session: Session) -> tuple[ProcessFacts, ...]:
    """Every process that has been heard of lately, by part."""
    rows = session.scalars(
        select(ProcessSign)
        .where(ProcessSign.part.not_in((_SWEEP, STARTING)))
        .order_by(ProcessSign.part, ProcessSign.name)
    )
    return tuple(ProcessFacts(row.name, row.part, row.started_at, row.seen_at) for row in rows)


def give_signs(engine: Engine, part: str, clock: Callable[[], datetime]) -> Callable[[], None]:
    """Begin to say that this process runs, in a thread that ends with it.

    With each sign it adds what it has counted to the rows of the metrics. Call it after the process
    has forked for the last time.

    Returns
    -------
    What a process calls that ends as it should: it is not missed then.
    """
    ended, name, started_at = threading.Event(), process_name(), clock()

    def give() -> None:
        while True:
            try:
                with transaction(engine) as session:
                    record_sign(session, name, part, started_at=started_at, now=clock())
                save_counts(engine)
            except DatabaseUnavailable:
                pass  # whoever looks sees that the signs stopped; everybody else says why
            if ended.wait(EVERY_S):
                return

    def end() -> None:
        ended.set()
        thread.join(timeout=EVERY_S)
        with contextlib.suppress(DatabaseUnavailable), transaction(engine) as session:
            session.execute(delete(ProcessSign).where(ProcessSign.name == name))
            session.execute(delete(BundleSign).where(BundleSign.process == name))
        with contextlib.suppress(DatabaseUnavailable):
            save_counts(engine)

    thread = threading.Thread(target=give, name="signs", daemon=True)
    thread.start()
    return end


def _machine(name: str) -> str:
    return name.rpartition(":")[0]
