"""The node's second door: instances that come by STOW-RS, one request after the other.

PS3.18 Section 10.5 (Store Transaction). HTTP is the page's matter; what is done with each file of a
request is what is done with a C-STORE: the same checks, statuses and quarantine, durable before it
is answered. A request has a row as an association has, so that a study counts as quiet when the
request that brought it has ended.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from database.session import Engine, transaction
from database.states import AssociationEnding
from database.studies.instances import end_association, open_association
from dicom_node.guard.accepted_association import AgreedContext
from dicom_node.guard.incoming_data_set import IncomingDataSet
from dicom_node.receive.open_spool import open_spool
from dicom_node.receive.part_10 import FileMeta, read_file_meta
from dicom_node.receive.sender import STOW_RS, WebSender
from dicom_node.receive.store_instance import Announced, GivenStatus, InstanceStore
from dicom_node.spool import Spool, SpoolFile
from radiology.errors import DatabaseUnavailable, DataSetUnreadable, FirstreadError
from settings.environment import Settings
from settings.log.log_events import get_logger

_log = get_logger("node")
_FIRST_LOOK_BYTES: Final = 512  # of a file: its meta information has a few hundred


@dataclass(frozen=True, slots=True)
class FileAnswer:
    """What became of one file; the UIDs are "" where it has none that could be read."""

    sop_class_uid: str
    sop_instance_uid: str
    answer: GivenStatus


class StowDoor:
    """Takes what comes by STOW-RS; the spool is opened with the first request.

    Parameters
    ----------
    settings : limits and folders
    engine : of the database
    clock : gives the moment of arrival
    """

    def __init__(self, settings: Settings, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._settings = settings
        self._engine = engine
        self._clock = clock
        self._lock = threading.Lock()
        self._spool: Spool | None = None
        self._store: InstanceStore | None = None

    def begin(self, address: str) -> StowRequest:
        """A request has begun.

        Raises
        ------
        DatabaseUnavailable, SpoolFull
            Nothing can be stored now; the sender should come again.
        """
        store = self._opened()
        with transaction(self._engine) as session:
            association_id = open_association(
                session,
                self._clock(),
                calling_ae_title=STOW_RS,
                called_ae_title=self._settings.ae_title,
                address=address,
            )
        sender = WebSender(association_id, address)
        return StowRequest(self, store, sender, self._settings.max_instance_bytes)

    def end(self, sender: WebSender, *, is_whole: bool) -> None:
        """A request has ended."""
        ending = AssociationEnding.RELEASED if is_whole else AssociationEnding.ABORTED
        assert sender.association_id is not None
        try:
            with transaction(self._engine) as session:
                end_association(session, sender.association_id, ending, self._clock())
        except DatabaseUnavailable:
            # The row stays open; its studies are assembled after the longer quiet period.
            _log.error("database_unavailable", **sender.facts())

    def close(self) -> None:
        """Let go of the spool."""
        with self._lock:
            if self._spool is not None:
                self._spool.close()
            self._spool = self._store = None

    def _opened(self) -> InstanceStore:
        with self._lock:
            if self._store is None:
                spool = open_spool(self._settings, self._engine, self._clock)
                self._spool = spool
                self._store = InstanceStore(self._settings, self._engine, spool, self._clock)
            return self._store


class StowRequest:
    """The files of one request, one after the other."""

    def __init__(
        self, door: StowDoor, store: InstanceStore, sender: WebSender, max_bytes: int
    ) -> None:
        self._door = door
        self._store = store
        self._sender = sender
        self._max_bytes = max_bytes

    def file(self, study_instance_uid: str | None = None) -> IncomingFile:
        """A file begins to arrive.

        Parameters
        ----------
        study_instance_uid : the only study that it may be of
        """
        return IncomingFile(self._store, self._sender, self._max_bytes, study_instance_uid)

    def end(self, *, is_whole: bool) -> None:
        """All files have come, or the sender went away."""
        self._door.end(self._sender, is_whole=is_whole)


class IncomingFile:
    """Takes the bytes of one file, and stores the instance when the last have come."""

    def __init__(
        self,
        store: InstanceStore,
        sender: WebSender,
        max_bytes: int,
        study_instance_uid: str | None,
    ) -> None:
        self._store = store
        self._sender = sender
        self._max_bytes = max_bytes
        self._study_instance_uid = study_instance_uid
        self._begun = bytearray()
        self._look_at = _FIRST_LOOK_BYTES
        self._meta: FileMeta | None = None
        self._fault: FirstreadError | None = None
        self._incoming: IncomingDataSet | None = None

    def write(self, fragment: bytes) -> None:
        """Take the next bytes; what is wrong with them is said at the end."""
        if self._incoming is not None:
            self._incoming.write(fragment)
            return
        self._begun += fragment
        if len(self._begun) >= self._look_at:  # not with each: a sender may send a byte at a time
            self._look_at = 2 * len(self._begun)
            self._look(is_whole=False)

    def end(self) -> FileAnswer:
        """The last bytes have come: store the instance, or say why not."""
        if self._incoming is None:
            self._look(is_whole=True)
        assert self._incoming is not None
        try:
            if self._fault is not None or self._meta is None:
                fault = self._fault or DataSetUnreadable()
                return FileAnswer("", "", self._store.refuse(self._sender, self._incoming, fault))
            meta = self._meta
            announced = Announced(
                _context(meta),
                meta.sop_class_uid,
                meta.sop_instance_uid,
                study_instance_uid=self._study_instance_uid,
            )
            answer = self._store.store(self._sender, announced, self._incoming)
            return FileAnswer(meta.sop_class_uid, meta.sop_instance_uid, answer)
        finally:
            self._incoming.discard()

    def refuse(self, fault: FirstreadError) -> FileAnswer:
        """Say that the file is not taken at all, and keep nothing of it."""
        self.discard()
        return FileAnswer("", "", self._store.refuse(self._sender, self._empty(), fault))

    def discard(self) -> None:
        """The sender went away: forget what has come."""
        if self._incoming is not None:
            self._incoming.discard()

    def _look(self, *, is_whole: bool) -> None:
        """Read the file meta information, if all of it has come, and go on with the data set."""
        try:
            self._meta = read_file_meta(bytes(self._begun), is_whole=is_whole)
        except DataSetUnreadable as fault:
            self._fault = fault
            self._incoming = IncomingDataSet(self._store.open_raw_file, max_bytes=self._max_bytes)
            self._incoming.write(bytes(self._begun))
        if self._meta is not None:
            self._incoming = IncomingDataSet(self._open, max_bytes=self._max_bytes)
            if rest := bytes(self._begun[self._meta.end :]):
                self._incoming.write(rest)
        if self._incoming is not None:
            self._begun.clear()

    def _open(self) -> SpoolFile | None:
        assert self._meta is not None
        context = _context(self._meta)
        return self._store.open_file(self._sender, context, self._meta.sop_instance_uid)

    def _empty(self) -> IncomingDataSet:
        return IncomingDataSet(lambda: None, max_bytes=self._max_bytes)


def _context(meta: FileMeta) -> AgreedContext:
    return AgreedContext(meta.sop_class_uid, meta.transfer_syntax_uid)
