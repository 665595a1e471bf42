"""C-STORE as SCU: one association for a group of instances, a status for each instance.

PS3.4 Annex B (Storage Service Class), PS3.7 Section 9.1.1 (C-STORE), PS3.8 Section 9.3.2.2
(presentation contexts). An instance goes in its own transfer syntax; where the peer takes only
uncompressed ones, it is decoded first, and the answer says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.filereader import read_file_meta_info
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom.association import Association
from pynetdicom.presentation import PresentationContext, build_context

from dicom_node.receive.instance_identity import UNREADABLE
from dicom_node.request.requested_association import MOST_CONTEXTS, requested_association
from dicom_node.status import comment_of, error_of_status
from radiology.errors import (
    DataSetUnreadable,
    FirstreadError,
    PeerRefused,
    PeerUnreachable,
    Refused,
)
from radiology.words.peer_words import loggable
from settings.log.log_events import get_logger
from settings.peers import Peer

_log = get_logger("send")

_MEDIUM_PRIORITY: Final = 0  # PS3.7 Table 9.1-1, (0000,0700)
_MOST_BREAKS: Final = 2  # associations that broke off one after another without an answer between


@dataclass(frozen=True, slots=True)
class StoreAnswer:
    """What became of one instance."""

    path: Path
    sop_instance_uid: str  # empty when the file cannot be read
    status: int | None  # the DIMSE status; None: not sent, or no answer came
    error: FirstreadError | None  # None: the peer has it
    converted: bool = False  # sent uncompressed, because the peer takes nothing else


OnAnswer = Callable[[StoreAnswer], None]


@dataclass(frozen=True, slots=True)
class _Outgoing:
    """A file to send, and how it is encoded."""

    path: Path
    sop_class_uid: UID
    sop_instance_uid: UID
    transfer_syntax_uid: UID


def send_instances(
    paths: Sequence[Path],
    peer: Peer,
    *,
    calling_ae_title: str,
    timeout_s: float,
    on_answer: OnAnswer | None = None,
) -> tuple[StoreAnswer, ...]:
    """Send DICOM files to a peer, in one association unless it breaks off.

    Parameters
    ----------
    paths : files with file meta information (PS3.10), sent in this order
    peer : with host and port
    calling_ae_title : who we say that we are
    timeout_s : for each step: connecting, the association, every answer
    on_answer : called with each answer as it comes, from this thread

    Returns
    -------
    One answer for each path, in the order of `paths`. One bad instance does not stop the others.

    Raises
    ------
    PeerUnreachable, PeerBusy, PeerRefused
        There was no association, so nothing was sent; the message says what to change.
    """
    sending = _Sending(peer, calling_ae_title, timeout_s, on_answer)
    outgoing = [one for path in paths if (one := sending.read(path)) is not None]
    for together in _within_context_limit(outgoing):
        sending.send(together)
    return tuple(sending.answers[path] for path in paths)


def error_of_answers(answers: Sequence[StoreAnswer]) -> FirstreadError | None:
    """What the answers mean for the whole: None when the peer has every instance.

    What may pass comes first: while one instance is worth another attempt, all are, since sending
    an instance twice does no harm.
    """
    errors = [answer.error for answer in answers if answer.error is not None]
    passing = [error for error in errors if not isinstance(error, Refused)]
    return next(iter(passing + errors), None)


def log_failure(answer: StoreAnswer, peer: Peer) -> None:
    """Note what a peer did not take: the status, and of its words those that name nobody."""
    if answer.error is None:
        return
    _log.warning(
        "instance_not_sent",
        peer=peer.name,
        sop_instance_uid=answer.sop_instance_uid,
        error_kind=answer.error.kind,
        message=answer.error.message,
        status=None if answer.status is None else f"0x{answer.status:04X}",
        peer_said=loggable(answer.error.said),
    )


class _Sending:
    """One call of `send_instances`."""

    def __init__(
        self, peer: Peer, calling_ae_title: str, timeout_s: float, on_answer: OnAnswer | None
    ) -> None:
        self._peer = peer
        self._calling_ae_title = calling_ae_title
        self._timeout_s = timeout_s
        self._on_answer = on_answer
        self._answered = False  # whether the peer was sent anything yet
        self.answers: dict[Path, StoreAnswer] = {}

    def read(self, path: Path) -> _Outgoing | None:
        """Read how a file is encoded; None when it cannot be read, which is its answer."""
        try:
            meta = read_file_meta_info(path)
            return _Outgoing(
                path,
                UID(meta.MediaStorageSOPClassUID),
                UID(meta.MediaStorageSOPInstanceUID),
                UID(meta.TransferSyntaxUID),
            )
        except UNREADABLE as error:
            fault = DataSetUnreadable("The file is not a DICOM file", cause=type(error).__name__)
            self._answer(StoreAnswer(path, "", None, fault))
            return None

    def send(self, outgoing: Sequence[_Outgoing]) -> None:
        """Send in one association; when it breaks off, the rest in another one."""
        left = list(outgoing)
        breaks = 0
        while left:
            try:
                sent = self._send_in_one_association(left)
            except FirstreadError as error:
                if not self._answered:
                    raise
                self._give_up(left, error)
                return
            breaks = 0 if sent > 1 else breaks + 1
            left = left[sent:]
            if left and breaks >= _MOST_BREAKS:
                self._give_up(left, PeerUnreachable("The peer breaks off every association"))
                return

    def _send_in_one_association(self, outgoing: Sequence[_Outgoing]) -> int:
        """Send until the end or until the association breaks off; returns how many were answered.

        The instance on which it broke off counts: it is not tried again in this call.
        """
        with requested_association(
            self._peer,
            _contexts(outgoing),
            calling_ae_title=self._calling_ae_title,
            timeout_s=self._timeout_s,
        ) as association:
            for number, instance in enumerate(outgoing, start=1):
                self._answered = True
                answer = _send_one(association, instance, number)
                self._answer(answer)
                if isinstance(answer.error, PeerUnreachable) or not association.is_established:
                    association.abort()  # it may be dead without having noticed
                    return number
        return len(outgoing)

    def _give_up(self, outgoing: Sequence[_Outgoing], error: FirstreadError) -> None:
        for instance in outgoing:
            self._answer(StoreAnswer(instance.path, instance.sop_instance_uid, None, error))

    def _answer(self, answer: StoreAnswer) -> None:
        self.answers[answer.path] = answer
        log_failure(answer, self._peer)
        if self._on_answer is not None:
            self._on_answer(answer)


def _send_one(association: Association, instance: _Outgoing, number: int) -> StoreAnswer:
    syntaxes = _accepted_syntaxes(association, instance.sop_class_uid)
    converted = instance.transfer_syntax_uid not in syntaxes
    try:
        content = _uncompressed(instance, syntaxes) if converted else instance.path
        answer = association.send_c_store(
            content, msg_id=number % 65_536, priority=_MEDIUM_PRIORITY
        )
    except FirstreadError as error:
        return StoreAnswer(instance.path, instance.sop_instance_uid, None, error)
    except UNREADABLE as error:
        fault = DataSetUnreadable("The file cannot be sent", cause=type(error).__name__)
        return StoreAnswer(instance.path, instance.sop_instance_uid, None, fault)
    except RuntimeError:
        lost = PeerUnreachable("The association broke off")
        return StoreAnswer(instance.path, instance.sop_instance_uid, None, lost)
    status = int(answer.Status) if "Status" in answer else None
    refusal = error_of_status(status, comment_of(answer))
    return StoreAnswer(instance.path, instance.sop_instance_uid, status, refusal, converted)


def _accepted_syntaxes(association: Association, sop_class_uid: UID) -> set[UID]:
    return {
        context.transfer_syntax[0]
        for context in association.accepted_contexts
        if context.abstract_syntax == sop_class_uid
    }


def _uncompressed(instance: _Outgoing, accepted: set[UID]) -> Dataset:
    """The instance, decoded, for a peer that does not take its transfer syntax.

    Raises
    ------
    PeerRefused
        The peer takes no instance of this SOP class at all.
    """
    if not accepted:
        raise PeerRefused(
            "The peer does not store this SOP class: enable it there",
            sop_class=instance.sop_class_uid.name,
        )
    data_set = dcmread(instance.path)
    if instance.transfer_syntax_uid.is_compressed:
        data_set.decompress(generate_instance_uid=False)
    _log.info(
        "instance_converted",
        sop_instance_uid=instance.sop_instance_uid,
        transfer_syntax=instance.transfer_syntax_uid.name,
    )
    return data_set


def _contexts(outgoing: Sequence[_Outgoing]) -> list[PresentationContext]:
    """Exactly what is sent, each in a context of its own, and what every peer should take.

    PS3.5 Section 10.1: Implicit VR Little Endian is the default that all must understand.
    """
    wanted = dict.fromkeys((one.sop_class_uid, one.transfer_syntax_uid) for one in outgoing)
    contexts = [build_context(sop_class, syntax) for sop_class, syntax in wanted]
    for sop_class in dict.fromkeys(one.sop_class_uid for one in outgoing):
        for syntax in (ExplicitVRLittleEndian, ImplicitVRLittleEndian):
            if (sop_class, syntax) not in wanted:
                contexts.append(build_context(sop_class, syntax))
    return contexts


def _within_context_limit(outgoing: Sequence[_Outgoing]) -> Iterator[list[_Outgoing]]:
    """Cut the list where one association would need more contexts than there are."""
    together: list[_Outgoing] = []
    for instance in outgoing:
        if together and len(_contexts([*together, instance])) > MOST_CONTEXTS:
            yield together
            together = []
        together.append(instance)
    if together:
        yield together
