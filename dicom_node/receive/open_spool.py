"""Opens the spool, and settles what dead processes have left of instances without Success.

Files and rows of a group become durable by one flush, behind the commit of the rows. A process that
dies in between leaves rows and files that are whole, but not durable yet; a machine that loses its
power may leave the row of an instance without its bytes. No sender has had Success for either.
docs/decisions/0054-one-flush-for-an-instance.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from datetime import datetime
from typing import Final

from database.session import Engine, folder_of, query, transaction
from database.studies.withdrawn import (
    RecordedFile,
    latest_recorded,
    recorded_files,
    withdraw_instances,
)
from dicom_node.receive.record_arrivals import MOST_TOGETHER
from dicom_node.spool import Spool
from settings.environment import Settings
from settings.log.log_events import get_logger

_log = get_logger("node")
_DOORS: Final = 8  # nodes and pages that may share a spool


def open_spool(settings: Settings, engine: Engine, clock: Callable[[], datetime]) -> Spool:
    """Open the spool; returns when nothing is left of those that died.

    Raises
    ------
    DatabaseUnavailable, SpoolFull
        It cannot be settled now; the next attempt finds the same.
    """
    spool = Spool(settings.spool_folder, min_free_bytes=settings.min_free_bytes)
    with ExitStack() as undo:
        undo.callback(spool.close)
        if spool.left.files:
            _log.warning("spool_swept", files=spool.left.files)
        if spool.left:
            _settle(spool, engine, clock, in_flight=_DOORS * MOST_TOGETHER)
            spool.left.forget()
        undo.pop_all()
    return spool


def _settle(spool: Spool, engine: Engine, clock: Callable[[], datetime], *, in_flight: int) -> None:
    """Make durable what is here, and withdraw what is not.

    Parameters
    ----------
    in_flight : how many instances at most wait for their flush at one moment, of all processes:
        each has one group, and a flush that has ended was behind all rows before it
    """
    if folder_of(engine) is None:
        return  # the server flushes its rows itself, and only those of files that are durable
    if spool.can_sync_everything:
        spool.sync_everything()
    if not spool.left.lost_power:
        return
    with query(engine) as session:
        recorded = latest_recorded(session, in_flight)
    lost = _not_held(spool, recorded)
    if lost:
        with transaction(engine) as session:
            # Another door may have settled it meanwhile, and its sender have come again
            lost = _not_held(spool, recorded_files(session, lost))
            withdraw_instances(session, lost, clock())
        _log.warning("instances_withdrawn", sop_instance_uids=lost)


def _not_held(spool: Spool, recorded: Iterable[RecordedFile]) -> list[str]:
    return [
        one.sop_instance_uid
        for one in recorded
        if not spool.holds(one.path, one.size_bytes, one.sha256)
    ]
