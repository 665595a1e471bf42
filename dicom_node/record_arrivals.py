"""Rows for received instances: one transaction for all that wait.

Associations run in threads of their own, and each waits for its row before it answers Success. A
transaction costs a disk flush whatever it holds, so the thread whose turn it is records what the
others brought meanwhile too: files to their places, folders flushed, rows committed.
docs/decisions/0013-durable-before-success.md.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from database.instances import Arrival, Recorded, record_instance
from database.session import Engine, transaction
from dicom_node.spool import Spool, SpoolFile
from radiology.errors import DatabaseUnavailable, InstanceConflict

_MOST_TOGETHER: Final = 64


@dataclass(eq=False, slots=True)
class _Waiting:
    """An instance whose association waits for its row, and in the end the answer."""

    arrival: Arrival
    file: SpoolFile
    answer: Recorded | Exception | None = None


class ArrivalRecorder:
    """Makes the rows; used by all associations at once.

    Parameters
    ----------
    engine : of the database
    spool : where the files go
    clock : gives the moment of arrival
    """

    def __init__(self, engine: Engine, spool: Spool, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._spool = spool
        self._clock = clock
        self._waiting: list[_Waiting] = []
        self._list = threading.Lock()
        self._turn = threading.Lock()

    def record(self, arrival: Arrival, file: SpoolFile) -> Recorded:
        """Put a durable file in its place and make its row; returns when both are durable.

        Raises
        ------
        InstanceConflict
            Another object was stored under this SOP Instance UID.
        DatabaseUnavailable, SpoolFull
            Nothing was stored; the sender should come again.
        """
        mine = _Waiting(arrival, file)
        with self._list:
            self._waiting.append(mine)
        with self._turn:
            while mine.answer is None:
                self._record_together(self._take())
        if isinstance(mine.answer, Exception):
            raise mine.answer
        return mine.answer

    def _take(self) -> list[_Waiting]:
        with self._list:
            together, self._waiting = (
                self._waiting[:_MOST_TOGETHER],
                self._waiting[_MOST_TOGETHER:],
            )
        return together

    def _record_together(self, together: Sequence[_Waiting]) -> None:
        """Record all or, when that fails, none: an error here is the answer of each."""
        answers: Sequence[Recorded | Exception] = [
            DatabaseUnavailable("The instance could not be recorded") for _ in together
        ]
        try:
            answers = self._commit(together)
        finally:
            for waiting, answer in zip(together, answers, strict=True):
                waiting.answer = answer

    def _commit(self, together: Sequence[_Waiting]) -> list[Recorded | Exception]:
        answers: list[Recorded | Exception] = []
        changed: set[Path] = set()
        with transaction(self._engine) as session:
            now = self._clock()
            for waiting in together:
                try:
                    recorded = record_instance(session, waiting.arrival, now)
                except InstanceConflict as conflict:
                    answers.append(conflict)
                    continue
                if recorded is Recorded.NEW:
                    changed |= self._spool.place(waiting.file, waiting.arrival.path)
                answers.append(recorded)
            self._spool.sync(changed)
        return answers
