"""Objects that were not stored: their bytes, and a row with the reason, for a person to look at."""

from __future__ import annotations

import shutil
import threading
import traceback
import uuid
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Final

from database.metrics.counted import count
from database.metrics.declared import INSTANCES_REFUSED
from database.session import Engine, transaction
from database.studies.instances import record_quarantine
from dicom_node.callers import source_name
from dicom_node.guard.incoming_data_set import IncomingDataSet
from dicom_node.receive.sender import Sender
from dicom_node.spool import SpoolFile
from dicom_node.status import status_of
from radiology.errors import (
    DatabaseUnavailable,
    Fact,
    FirstreadError,
    NotStorable,
    ObjectStorageUnavailable,
    Unavailable,
)
from settings.log.log_events import get_logger
from storage.files import KeptFiles

_log = get_logger("node")

# A sender gone wild must not fill the disk or the table: what it sends is the same fault again.
# Some begin an association for each instance, so a day has limits too.
_MOST_FILES_PER_ASSOCIATION: Final = 20
_MOST_ROWS_PER_ASSOCIATION: Final = 1000
_MOST_FILES_A_DAY: Final = 500  # of one AE title
_MOST_ROWS_A_DAY: Final = 10_000
_MOST_TITLES: Final = 50  # where anybody may call, the others share the places of one
_MOST_LOGGED: Final = 100
"""Of what one sender's objects are refused for. One gone wild must not fill the log: the rows of
quarantine have more of them, and the end of the association has their number."""


class _Today:
    """How much each AE title has brought today, by what this process has seen."""

    def __init__(self) -> None:
        self._day = date.min
        self._counts: Counter[str] = Counter()
        self._turn = threading.Lock()

    def number_of(self, title: str, day: date) -> int:
        """Which one of the day this is, counted from 1."""
        with self._turn:
            if day != self._day:
                self._day, self._counts = day, Counter()
            if title not in self._counts and len(self._counts) >= _MOST_TITLES:
                title = ""
            self._counts[title] += 1
            return self._counts[title]


class Quarantine:
    """The folder and the table of what was not stored."""

    def __init__(
        self, folder: Path, files: KeptFiles, engine: Engine, clock: Callable[[], datetime]
    ) -> None:
        self._folder = folder
        self._files = files
        self._engine = engine
        self._clock = clock
        self._today = _Today()

    def take(self, sender: Sender, incoming: IncomingDataSet, error: Exception) -> int:
        """Log and count why an object is not stored, and keep it if it is worth it; its status."""
        status = status_of(error)
        facts: dict[str, Fact] = {
            "error_kind": type(error).__name__,
            "status": f"0x{status:04X}",
        }
        known = isinstance(error, FirstreadError)
        reason = type(error).__name__ if known else "Defect"
        count(INSTANCES_REFUSED, source=source_name(sender.peer), reason=reason)
        sender.refused += 1
        if sender.refused <= _MOST_LOGGED:
            _log_refusal(sender, error, facts)
        elif sender.first("refusals_not_listed", ""):
            _log.warning("refusals_not_listed", **sender.facts(), listed=_MOST_LOGGED)
        if _is_worth_keeping(sender, error):
            self._keep(sender, error, status, incoming.kept_file(), incoming.received_bytes)
        return status

    def _keep(
        self,
        sender: Sender,
        error: Exception,
        status: int,
        file: SpoolFile | None,
        size_bytes: int,
    ) -> None:
        sender.quarantined += 1
        if sender.quarantined > _MOST_ROWS_PER_ASSOCIATION:
            return
        of_today = self._today.number_of(sender.calling_ae_title, self._clock().date())
        if of_today > _MOST_ROWS_A_DAY:
            return
        if of_today == _MOST_FILES_A_DAY + 1:
            _log.warning("quarantine_keeps_rows_only", **sender.facts(), files=_MOST_FILES_A_DAY)
        if of_today > _MOST_FILES_A_DAY:
            file = None
        known = isinstance(error, FirstreadError)
        try:
            with transaction(self._engine) as session:
                record_quarantine(
                    session,
                    self._clock(),
                    calling_ae_title=sender.calling_ae_title,
                    association_id=sender.association_id,
                    error_kind=type(error).__name__,
                    reason=str(error) if known else "Internal error; see the log",
                    status=status,
                    path=self._move(sender, file),
                    size_bytes=size_bytes,
                )
        except DatabaseUnavailable:
            _log.error("database_unavailable", **sender.facts())

    def _move(self, sender: Sender, file: SpoolFile | None) -> str | None:
        if file is None or sender.quarantined > _MOST_FILES_PER_ASSOCIATION:
            return None
        relative = f"{self._clock():%Y-%m-%d}/{uuid.uuid4().hex}.dcm"
        place = self._folder / relative
        try:
            file.close()
            self._files.keep([(file.path, place)])
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(file.path, place)
        except OSError as error:
            _log.warning("quarantine_not_written", errno=error.errno, **sender.facts())
            return None
        except ObjectStorageUnavailable as error:
            _log.warning("quarantine_not_written", **error.facts, **sender.facts())
            return None
        return relative


def _is_worth_keeping(sender: Sender, error: Exception) -> bool:
    """What the sender will send again is not kept; a foreign SOP class is noted once."""
    if isinstance(error, Unavailable):
        return False
    return not isinstance(error, NotStorable) or sender.first("foreign", str(error))


def _log_refusal(sender: Sender, error: Exception, facts: dict[str, Fact]) -> None:
    if isinstance(error, FirstreadError):
        _log.warning("instance_not_stored", **sender.facts(), **{**facts, **error.facts})
        return
    # The message is left out: a library may have put values of the data set into it.
    trace = "".join(traceback.format_tb(error.__traceback__))
    _log.error("instance_not_stored", **sender.facts(), **facts, trace=trace)
