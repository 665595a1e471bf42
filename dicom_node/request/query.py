"""Ask a PACS for a patient's earlier studies, and have them sent to us.

PS3.4 Annex C (Query/Retrieve Service Class): C-FIND and C-MOVE of the Study Root model, at level
STUDY. C-MOVE and not C-GET, because every PACS speaks it; the studies come as C-STORE requests
that name us as Move Originator (PS3.7 Section 9.1.1).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Final

from pydicom.dataset import Dataset
from pynetdicom.association import Association

from dicom_node.proposed_contexts import (
    STUDY_ROOT_FIND,
    STUDY_ROOT_MOVE,
    Purpose,
    proposed_contexts,
)
from dicom_node.request.requested_association import requested_association
from dicom_node.status import SUCCESS, comment_of, is_for_good
from radiology.errors import FirstreadError, InvalidUid, PeerBusy, PeerRefused, PeerUnreachable
from radiology.identity import checked_uid
from settings.peers import Peer

_PENDING: Final = (0xFF00, 0xFF01)  # PS3.4 Table C.4-1 and C.4-2
_SUB_OPERATIONS_FAILED: Final = 0xB000  # PS3.4 Table C.4-2
_UNKNOWN_DESTINATION: Final = 0xA801
_OUT_OF_RESOURCES: Final = (0xA700, 0xA701, 0xA702)
_WILDCARDS: Final = frozenset("*?\\")  # PS3.4 Section C.2.2.2.4; PS3.5 Section 6.4
_MOST_STUDIES: Final = 100


@dataclass(frozen=True, slots=True)
class FoundStudy:
    """A study that a PACS has under a patient ID.

    Attributes
    ----------
    study_date : DA, empty where the PACS does not say
    header : what the PACS says of study and patient; to be compared, never to be kept or logged
    """

    study_instance_uid: str
    study_date: str
    header: Dataset = field(repr=False)


def find_studies(
    peer: Peer,
    patient_id: str,
    *,
    before: date,
    calling_ae_title: str,
    timeout_s: float,
) -> tuple[FoundStudy, ...]:
    """Find CT studies under a patient ID, acquired on a day or earlier.

    Whose they are is not decided here: a patient ID alone proves nothing.

    Returns
    -------
    The latest first. None for a patient ID that would match others: empty, or with a wildcard.

    Raises
    ------
    PeerUnreachable, PeerBusy, PeerRefused
        There is no answer; the message says what to change where that can be told.
    """
    if not patient_id.strip() or _WILDCARDS & set(patient_id):
        return ()
    found: dict[str, FoundStudy] = {}
    contexts = proposed_contexts(Purpose.FIND)
    with requested_association(
        peer, contexts, calling_ae_title=calling_ae_title, timeout_s=timeout_s
    ) as association:
        _require_offer(association, "Study Root C-FIND")
        keys = _find_keys(patient_id, before)
        for status, header in association.send_c_find(keys, STUDY_ROOT_FIND):
            code = _status(status)
            if code not in _PENDING:
                if code != SUCCESS:
                    raise _refusal(code, "C-FIND", comment_of(status))
                break
            study = None if header is None else _found(header, patient_id, before)
            if study is not None and len(found) < _MOST_STUDIES:
                found[study.study_instance_uid] = study
    return tuple(sorted(found.values(), key=lambda one: one.study_date, reverse=True))


def retrieve_study(
    peer: Peer, study_instance_uid: str, *, calling_ae_title: str, timeout_s: float
) -> int:
    """Have a study sent to us by C-MOVE; returns when the PACS has sent the last instance.

    Parameters
    ----------
    calling_ae_title : who we say that we are, and where to send: the PACS must know its address
    timeout_s : for each step, and between two answers of the PACS

    Returns
    -------
    How many instances were stored.

    Raises
    ------
    PeerUnreachable, PeerBusy, PeerRefused
        Not all instances arrive.
    """
    keys = Dataset()
    keys.QueryRetrieveLevel = "STUDY"
    keys.StudyInstanceUID = study_instance_uid
    contexts = proposed_contexts(Purpose.MOVE)
    with requested_association(
        peer, contexts, calling_ae_title=calling_ae_title, timeout_s=timeout_s
    ) as association:
        _require_offer(association, "Study Root C-MOVE")
        for status, _ in association.send_c_move(keys, calling_ae_title, STUDY_ROOT_MOVE):
            code = _status(status)
            if code in _PENDING:
                continue
            if code != SUCCESS:
                raise _refusal(code, "C-MOVE", comment_of(status))
            return int(status.get("NumberOfCompletedSuboperations", 0))
    raise PeerUnreachable("The peer did not end a C-MOVE request")


def _find_keys(patient_id: str, before: date) -> Dataset:
    keys = Dataset()
    keys.QueryRetrieveLevel = "STUDY"
    keys.PatientID = patient_id
    keys.StudyDate = f"-{before:%Y%m%d}"
    keys.ModalitiesInStudy = "CT"
    for returned in ("StudyInstanceUID", "StudyTime", "PatientBirthDate", "PatientSex"):
        setattr(keys, returned, "")
    keys.IssuerOfPatientID = ""
    return keys


def _found(header: Dataset, patient_id: str, before: date) -> FoundStudy | None:
    """What was asked for, and nothing else: a PACS may ignore keys that it does not know."""
    modalities = header.get("ModalitiesInStudy") or "CT"
    listed = [modalities] if isinstance(modalities, str) else list(modalities)
    study_date = str(header.get("StudyDate") or "")
    try:
        uid = checked_uid(str(header.get("StudyInstanceUID", "")), "StudyInstanceUID")
    except InvalidUid:
        return None
    same = str(header.get("PatientID") or "").strip() == patient_id.strip()
    if not same or "CT" not in listed or study_date > f"{before:%Y%m%d}":
        return None
    return FoundStudy(uid, study_date, header)


def _require_offer(association: Association, service: str) -> None:
    if not association.accepted_contexts:
        raise PeerRefused(f"The peer does not offer {service} to us")


def _status(status: Dataset) -> int:
    code = status.get("Status")
    if code is None:
        raise PeerUnreachable(
            "The peer ended a query without an answer: does its list have our AE title?"
        )
    return int(code)


def _refusal(code: int, service: str, said: str) -> FirstreadError:
    facts = {"status": f"0x{code:04X}"}
    if code in _OUT_OF_RESOURCES and not is_for_good(said):
        return PeerBusy(f"The peer is out of resources for a {service} request", said, **facts)
    if code == _UNKNOWN_DESTINATION:
        return PeerRefused(
            "The peer does not know where to send: add our AE title, host and port to its list",
            said,
            **facts,
        )
    if code == _SUB_OPERATIONS_FAILED:
        return PeerRefused("The peer could not send all instances of a study", said, **facts)
    return PeerRefused(f"The peer refused a {service} request", said, **facts)
