"""Rows for received instances: one transaction for all that wait.

Associations run in threads of their own, and each waits for its rows before it answers Success: for
one, or for as many as its peer may send without an answer. One of them records, with its own, what
others have queued meanwhile: files to their places, rows, one flush of both. It then wakes the
others, of whom the one that came next records next.
docs/decisions/0013-durable-before-success.md, 0052-one-thread-from-socket-to-answer.md,
0054-one-flush-for-an-instance.md, 0057-instances-of-a-window.md.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from database.session import Engine, folder_of, plain_transaction, transaction
from database.studies.instances import Arrival, Recorded, correct_instance, record_instance
from database.studies.plain_arrivals import NotPlain, record_plain_instances
from database.studies.withdrawn import withdraw_instances
from dicom_node.spool import Spool, SpoolFile
from radiology.errors import InstanceConflict, SpoolFull, Unavailable
from storage.files import KeptFiles

MOST_TOGETHER: Final = 64
"""Instances of one process between the commit of their rows and the flush behind it."""


@dataclass(eq=False, slots=True)
class _Coming:
    """An instance that waits for its row, and later the answer."""

    arrival: Arrival
    file: SpoolFile
    answer: Recorded | Exception | None = None


@dataclass(eq=False, slots=True)
class _Waiting:
    """Instances whose association waits until all of them have their answers."""

    coming: Sequence[_Coming]
    turn: threading.Lock = field(default_factory=threading.Lock)  # held while it waits
    leads: bool = False
    alone: bool = False  # to be recorded in a transaction of its own

    @property
    def is_answered(self) -> bool:
        return all(one.answer is not None for one in self.coming)


class ArrivalRecorder:
    """Makes the rows; used by all associations at once.

    Parameters
    ----------
    engine : of the database
    spool : where the files go
    files : where they are kept: what a row names is there
    clock : gives the moment of arrival
    """

    def __init__(
        self, engine: Engine, spool: Spool, files: KeptFiles, clock: Callable[[], datetime]
    ) -> None:
        self._engine = engine
        self._spool = spool
        self._files = files
        self._clock = clock
        self._waiting: list[_Waiting] = []
        self._list = threading.Lock()
        self._is_led = False
        beside = spool.lies_beside(folder_of(engine))
        self._rows_lie_beside = beside and not files.are_elsewhere
        self._not_durable: list[str] = []  # recorded, and the flush failed

    def record(self, arrival: Arrival, file: SpoolFile) -> Recorded:
        """Put a file in its place and make its row; returns when both are durable.

        Raises
        ------
        InstanceConflict
            Another object was stored under this SOP Instance UID.
        DatabaseUnavailable, SpoolFull
            Nothing was stored; the sender should come again.
        """
        (answer,) = self.record_all([(arrival, file)])
        if isinstance(answer, Exception):
            raise answer
        return answer

    def record_all(
        self, arrivals: Sequence[tuple[Arrival, SpoolFile]]
    ) -> list[Recorded | Exception]:
        """As `record`, of what one association has brought together: one flush for all of it.

        Parameters
        ----------
        arrivals : at most `MOST_TOGETHER`, each with its file

        Returns
        -------
        For each what became of it, or the error that `record` would raise.

        Raises
        ------
        Exception
            A defect that one of them brought about; nothing of them was stored.
        """
        mine = _Waiting([_Coming(*one) for one in arrivals])
        while not mine.is_answered:
            if self._wait_for_turn(mine):
                try:
                    self._record_together(self._take(mine))
                finally:
                    self._hand_over()
        return [one.answer for one in mine.coming if one.answer is not None]

    def _wait_for_turn(self, mine: _Waiting) -> bool:
        """Wait until somebody has recorded mine, or it is up to me to record; whether it is."""
        with self._list:
            self._waiting.append(mine)
            mine.leads = not self._is_led
            self._is_led = True
            if mine.leads:
                return True
            mine.turn.acquire()
        mine.turn.acquire()  # released by whoever leads
        mine.turn.release()
        return mine.leads

    def _hand_over(self) -> None:
        """Let whoever waits longest record next."""
        with self._list:
            following = self._waiting[0] if self._waiting else None
            self._is_led = following is not None
        if following is not None:
            following.leads = True
            following.turn.release()

    def correct(self, arrival: Arrival, file: SpoolFile) -> None:
        """Put a copy in the place of the instance that it corrects.

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
        file.make_durable()
        with transaction(self._engine) as session:
            correct_instance(session, arrival, self._clock())
            self._keep([(file, arrival)])
            if not self._files.are_elsewhere:
                self._spool.sync(self._spool.place(file, arrival.path))
        self._copy([(file, arrival)])

    def wait_for_flush(self) -> None:
        """Wait until all that has a row is durable, as a duplicate must be before it is answered.

        Whoever has recorded the first one may still wait for its flush, or have died.

        Raises
        ------
        SpoolFull
            It is not.
        """
        if self._rows_lie_beside and self._spool.can_sync_everything:
            self._spool.sync_everything()

    def _take(self, mine: _Waiting) -> list[_Waiting]:
        """Mine and those that wait beside it."""
        with self._list:
            together, room = [mine], MOST_TOGETHER - len(mine.coming)
            for one in () if mine.alone else self._waiting:
                if one is not mine and not one.alone and len(one.coming) <= room:
                    together.append(one)
                    room -= len(one.coming)
            self._waiting = [one for one in self._waiting if one not in together]
        return together

    def _record_together(self, together: Sequence[_Waiting]) -> None:
        """Record all or none.

        What may pass is everybody's answer. Anything else is a defect that one of them brought
        about: it is mine to report, and each of the others tries again alone.
        """
        coming = [one for waiting in together for one in waiting.coming]
        answers: Sequence[Recorded | Exception | None] = [None] * len(coming)
        try:
            answers = self._commit(coming)
        except Unavailable as error:
            answers = [error] * len(coming)
        finally:
            for one, answer in zip(coming, answers, strict=True):
                one.answer = answer
            for waiting in together:
                waiting.alone = True
                if waiting is not together[0]:
                    waiting.turn.release()

    def _commit(self, together: Sequence[_Coming]) -> list[Recorded | Exception]:
        self._withdraw_what_is_not_durable()
        # One flush of the whole disk takes the place of two for each; asked once, for it may change
        once = self._files.are_elsewhere or self._spool.can_sync_everything
        if not once:
            for waiting in together:
                waiting.file.make_durable()
        try:
            if once and self._rows_lie_beside:
                return self._commit_plain_and_flush(together)
            answers = self._commit_plain(together, once=once)
        except NotPlain:
            answers = self._commit_each(together, once=once)
        self._copy(
            (waiting.file, waiting.arrival)
            for waiting, answer in zip(together, answers, strict=True)
            if answer is Recorded.NEW
        )
        return answers

    def _commit_plain_and_flush(self, together: Sequence[_Coming]) -> list[Recorded | Exception]:
        """Rows first: one flush makes files, folders and rows durable, and nobody waits for more.

        Until then a row may be seen whose file a power cut would take; at the next start such a
        row is found and withdrawn (`dicom_node.receive.open_spool`).
        """
        arrivals = [waiting.arrival for waiting in together]
        with plain_transaction(self._engine, flushed_by_caller=True) as cursor:
            record_plain_instances(self._engine, cursor, arrivals, self._clock())
            for waiting in together:
                self._spool.place(waiting.file, waiting.arrival.path)
        try:
            self._spool.sync_everything()
        except SpoolFull:
            self._not_durable += [one.sop_instance_uid for one in arrivals]
            self._withdraw_what_is_not_durable()
            raise
        return [Recorded.NEW] * len(together)

    def _withdraw_what_is_not_durable(self) -> None:
        """Take back the rows of a flush that failed; until that is done nothing is recorded."""
        if self._not_durable:
            with transaction(self._engine) as session:
                withdraw_instances(session, self._not_durable, self._clock())
            self._not_durable = []

    def _commit_plain(
        self, together: Sequence[_Coming], *, once: bool
    ) -> list[Recorded | Exception]:
        with plain_transaction(self._engine) as cursor:
            arrivals = [waiting.arrival for waiting in together]
            record_plain_instances(self._engine, cursor, arrivals, self._clock())
            self._place(together, once=once)
        return [Recorded.NEW] * len(together)

    def _commit_each(
        self, together: Sequence[_Coming], *, once: bool
    ) -> list[Recorded | Exception]:
        answers: list[Recorded | Exception] = []
        with transaction(self._engine) as session:
            now = self._clock()
            for waiting in together:
                try:
                    answers.append(record_instance(session, waiting.arrival, now))
                except InstanceConflict as conflict:
                    answers.append(conflict)
            new = [
                waiting
                for waiting, answer in zip(together, answers, strict=True)
                if answer is Recorded.NEW
            ]
            self._place(new, once=once)
            if not new and Recorded.DUPLICATE in answers:
                self.wait_for_flush()
        return answers

    def _keep(self, new: Iterable[tuple[SpoolFile, Arrival]]) -> None:
        folder = self._spool.folder
        self._files.keep((file.path, folder / arrival.path) for file, arrival in new)

    def _copy(self, new: Iterable[tuple[SpoolFile, Arrival]]) -> None:
        """Leave a copy here of what is kept elsewhere, behind the commit: no row, no copy.

        It only saves the way back: where there is no room for it, it is fetched when it is wanted.
        """
        if self._files.are_elsewhere:
            for file, arrival in new:
                with contextlib.suppress(SpoolFull):
                    self._spool.place(file, arrival.path)

    def _place(self, new: Sequence[_Coming], *, once: bool) -> None:
        if self._files.are_elsewhere:
            self._keep((waiting.file, waiting.arrival) for waiting in new)
            return
        changed: set[str] = set()
        for waiting in new:
            changed |= self._spool.place(waiting.file, waiting.arrival.path)
        if new and once:
            self._spool.sync_everything()
        else:
            self._spool.sync(changed)
