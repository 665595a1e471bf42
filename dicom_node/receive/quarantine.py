"""Objects that were not stored: their bytes, and a row with the reason, for a person to look at."""

from __future__ import annotations

import shutil
import threading
import uuid
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Final

from database.session import Engine, transaction
from database.studies.instances import record_quarantine
from dicom_node.receive.sender import Sender
from dicom_node.spool import SpoolFile
from radiology.errors import DatabaseUnavailable, FirstreadError
from settings.log.log_events import get_logger

_log = get_logger("node")

# A sender gone wild must not fill the disk or the table: what it sends is the same fault again.
# Some begin an association for each instance, so a day has limits too.
_MOST_FILES_PER_ASSOCIATION: Final = 20
_MOST_ROWS_PER_ASSOCIATION: Final = 1000
_MOST_FILES_A_DAY: Final = 500  # of one AE title
_MOST_ROWS_A_DAY: Final = 10_000
_MOST_TITLES: Final = 50  # where anybody may call, the others share the places of one


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

    def __init__(self, folder: Path, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._folder = folder
        self._engine = engine
        self._clock = clock
        self._today = _Today()

    def keep(
        self,
        sender: Sender,
        error: Exception,
        status: int,
        file: SpoolFile | None,
        size_bytes: int,
    ) -> None:
        """Keep an object that was answered with a failure or a warning.

        Parameters
        ----------
        sender : that brought it
        error : the reason
        status : the DIMSE status that the sender gets
        file : its bytes; None when there are none, or they are not worth keeping
        size_bytes : how many came
        """
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
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(file.path, place)
        except OSError as error:
            _log.warning("quarantine_not_written", errno=error.errno, **sender.facts())
            return None
        return relative
