"""Rows for received instances: one transaction for all that wait.

Associations run in threads of their own, and each waits for its row before it answers Success. A
transaction costs a disk flush regardless of its size, so the recording thread also records the
instances that others have queued meanwhile: files to their places, folders flushed, rows committed.
docs/decisions/0013-durable-before-success.md.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from database.session import Engine, transaction
from database.studies.instances import Arrival, Recorded, correct_instance, record_instance
from database.studies.plain_arrivals import NotPlain, record_plain_instances
from dicom_node.spool import Spool, SpoolFile
from radiology.errors import InstanceConflict, Unavailable

_MOST_TOGETHER: Final = 64


@dataclass(eq=False, slots=True)
class _Waiting:
    """An instance whose association waits for its row, and later the answer."""

    arrival: Arrival
    file: SpoolFile
    alone: bool = False  # to be recorded in a transaction of its own
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
            if mine.answer is None:
                self._record_together(self._take(mine))
        assert mine.answer is not None
        if isinstance(mine.answer, Exception):
            raise mine.answer
        return mine.answer

    def correct(self, arrival: Arrival, file: SpoolFile) -> None:
        """Put a durable copy in the place of the instance that it corrects.

        Parameters
        ----------
        arrival : with a path that no other copy has; the old copy's file stays

        Raises
        ------
        InstanceConflict
            The stored instance is of another study or series.
        DatabaseUnavailable, SpoolFull
            Nothing was stored; the sender should come again.
        """
        with transaction(self._engine) as session:
            correct_instance(session, arrival, self._clock())
            self._spool.sync(self._spool.place(file, arrival.path))

    def _take(self, mine: _Waiting) -> list[_Waiting]:
        """Mine and those that wait beside it."""
        with self._list:
            others = [one for one in self._waiting if one is not mine and not one.alone]
            together = [mine] if mine.alone else [mine, *others[: _MOST_TOGETHER - 1]]
            self._waiting = [one for one in self._waiting if one not in together]
        return together

    def _record_together(self, together: Sequence[_Waiting]) -> None:
        """Record all or none.

        What may pass is everybody's answer. Anything else is a defect that one of them brought
        about: it is mine to report, and each of the others tries again alone.
        """
        answers: Sequence[Recorded | Exception | None] = [None] * len(together)
        try:
            answers = self._commit(together)
        except Unavailable as error:
            answers = [error] * len(together)
        finally:
            for waiting, answer in zip(together, answers, strict=True):
                waiting.answer = answer
                waiting.alone = True

    def _commit(self, together: Sequence[_Waiting]) -> list[Recorded | Exception]:
        try:
            return self._commit_plain(together)
        except NotPlain:
            return self._commit_each(together)

    def _commit_plain(self, together: Sequence[_Waiting]) -> list[Recorded | Exception]:
        with transaction(self._engine) as session:
            arrivals = [waiting.arrival for waiting in together]
            record_plain_instances(session, arrivals, self._clock())
            changed: set[Path] = set()
            for waiting in together:
                changed |= self._spool.place(waiting.file, waiting.arrival.path)
            self._spool.sync(changed)
        return [Recorded.NEW] * len(together)

    def _commit_each(self, together: Sequence[_Waiting]) -> list[Recorded | Exception]:
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
