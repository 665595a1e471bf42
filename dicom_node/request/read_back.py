"""Finds objects of ours in a PACS, and gets them back, to compare them with what was sent.

PS3.4 Annex C: C-FIND, C-GET and C-MOVE of the Study Root model, at level IMAGE. By C-GET an object
comes on the association that asked for it (PS3.7 Section 9.1.3), so that no port of ours is needed;
a PACS without it is asked for C-MOVE, which sends to our node.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, cast

from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import evt
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.events import Event
from pynetdicom.pdu_primitives import SCP_SCU_RoleSelectionNegotiation
from pynetdicom.presentation import PresentationContext, build_role

from dicom_node.proposed_contexts import STUDY_ROOT_FIND as _FIND
from dicom_node.proposed_contexts import STUDY_ROOT_GET as _GET
from dicom_node.proposed_contexts import STUDY_ROOT_MOVE as _MOVE
from dicom_node.proposed_contexts import Purpose, contexts_of, proposed_contexts
from dicom_node.request.requested_association import requested_association
from dicom_node.status import SUCCESS, comment_of
from radiology.errors import PeerRefused, PeerUnreachable
from settings.peers import Peer

_PENDING: Final = (0xFF00, 0xFF01)  # PS3.4 Table C.4-1 to C.4-3


@dataclass(frozen=True, slots=True)
class SentObject:
    """An object that a peer should have."""

    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str
    sop_class_uid: str
    transfer_syntax_uid: str

    def keys(self) -> Dataset:
        """What it is asked for by (PS3.4 Section C.6.2.1.4)."""
        keys = Dataset()
        keys.QueryRetrieveLevel = "IMAGE"
        keys.StudyInstanceUID = self.study_instance_uid
        keys.SeriesInstanceUID = self.series_instance_uid
        keys.SOPInstanceUID = self.sop_instance_uid
        return keys


@dataclass(frozen=True)
class Retrieval:
    """What a peer offers, and what it gave.

    Attributes
    ----------
    finds, gets, moves : the services that it offers to us
    found : SOP Instance UIDs that C-FIND names
    got : the DICOM files that came by C-GET, by SOP Instance UID
    moved : SOP Instance UIDs that it says it sent to our node by C-MOVE
    said : why something that it should have did not come, in a sentence; "" where nothing is amiss
    """

    finds: bool
    gets: bool
    moves: bool
    found: frozenset[str]
    got: dict[str, bytes]
    moved: frozenset[str] = frozenset()
    said: str = ""


def read_back(
    peer: Peer, objects: Iterable[SentObject], *, calling_ae_title: str, timeout_s: float
) -> Retrieval:
    """Find each object and get it.

    Parameters
    ----------
    peer : with host and port
    calling_ae_title : who we say that we are, and where C-MOVE sends
    timeout_s : for each step, and between two answers of the peer

    Raises
    ------
    PeerUnreachable, PeerBusy, PeerRefused
        There is no association; the message says what to change.
    """
    wanted = list(objects)
    classes = tuple(dict.fromkeys(one.sop_class_uid for one in wanted))
    got: dict[str, bytes] = {}

    def take(event: Event) -> int:
        request = cast("C_STORE", event.request)
        got[str(request.AffectedSOPInstanceUID)] = event.encoded_dataset()
        return SUCCESS

    with requested_association(
        peer,
        _contexts(wanted),
        calling_ae_title=calling_ae_title,
        timeout_s=timeout_s,
        handlers=[(evt.EVT_C_STORE, take)],
        roles=[_as_receiver(one) for one in classes],
    ) as association:
        offered = {str(one.abstract_syntax) for one in association.accepted_contexts}
        finds, gets, moves = (str(one) in offered for one in (_FIND, _GET, _MOVE))
        found, moved, said = set(), set(), []
        for one in wanted:
            if finds and _is_found(association, one):
                found.add(one.sop_instance_uid)
            if gets:
                said += _told(association.send_c_get(one.keys(), _GET), "C-GET")
            elif moves:
                failed = _told(
                    association.send_c_move(one.keys(), calling_ae_title, _MOVE), "C-MOVE"
                )
                said += failed
                if not failed:
                    moved.add(one.sop_instance_uid)
    return Retrieval(
        finds, gets, moves, frozenset(found), got, frozenset(moved), next(iter(said), "")
    )


def _contexts(wanted: list[SentObject]) -> list[PresentationContext]:
    syntaxes = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)
    own = [(one.sop_class_uid, one.transfer_syntax_uid) for one in wanted]
    plain = [(one.sop_class_uid, str(syntax)) for one in wanted for syntax in syntaxes]
    return [*proposed_contexts(Purpose.READ_BACK), *contexts_of([*own, *plain])]


def _as_receiver(sop_class_uid: str) -> SCP_SCU_RoleSelectionNegotiation:
    """We request the association, and are the SCP of what comes by C-GET (PS3.7 D.3.3.4)."""
    return build_role(sop_class_uid, scu_role=False, scp_role=True)


def _is_found(association: Association, wanted: SentObject) -> bool:
    """Whether C-FIND names it. All answers are read, or the next request would meet them."""
    found = False
    for status, header in association.send_c_find(wanted.keys(), _FIND):
        code = _code(status)
        if code in _PENDING:
            named = "" if header is None else str(header.get("SOPInstanceUID", ""))
            found |= named == wanted.sop_instance_uid
        elif code != SUCCESS:
            raise PeerRefused(
                "The peer refused a C-FIND request", comment_of(status), status=f"0x{code:04X}"
            )
    return found


def _told(answers: Iterator[tuple[Dataset, Dataset | None]], service: str) -> list[str]:
    """Why a retrieval did not succeed; nothing where it did."""
    for status, _ in answers:
        code = _code(status)
        if code in _PENDING:
            continue
        return [] if code == SUCCESS else [f"{service} was answered with 0x{code:04X}"]
    return [f"{service} was not answered to its end"]


def _code(status: Dataset) -> int:
    code = status.get("Status")
    if code is None:
        raise PeerUnreachable("The peer ended a query without an answer")
    return int(code)
