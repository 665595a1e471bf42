"""Retrieves a patient's earlier CTs from a PACS: those newer than what is stored here.

It comes after the result, never before: the urgent answer waits for no archive. What comes is read
at low priority, and then `worker.priors.reread_with_priors` has the study read once more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from pydicom.dataset import Dataset

from database.accounts.audit import Actor, record_audit, study_reference
from database.priors.requests import (
    PriorRequestClaim,
    claim_request,
    end_asking,
    held_studies,
    postpone_request,
    record_retrieved,
    record_wanted,
    study_to_compare,
    wanted_priors,
)
from database.session import Session, query, transaction
from database.states import PriorRequestState
from database.studies.study_of import uid_of_study
from dicom_node.request.query import FoundStudy, find_studies, retrieve_study
from radiology.errors import PeerRefused, PeerUnreachable
from settings.log.log_events import get_logger
from settings.peers import Peer
from storage.kept_files import kept_files
from worker.attempt.attempt_next import attempt_next
from worker.attempt.lease import Lease
from worker.attempt.queue import Queue, Unsuccessful
from worker.attempt.retry import Backoff, Ending, is_away
from worker.equipment import Equipment
from worker.patient.patient_identity import (
    PatientIdentity,
    contradiction,
    patient_identity,
    read_patient_identity,
)
from worker.priors.compared_so_far import compared_so_far

_log = get_logger("retrieval")
_LEASE_S = 660.0  # above the hard limit of the task: not renewed, asking twice does no harm
_RETRIEVE_TIMEOUT_S = 120.0  # an archive may have to fetch a tape before the first answer
_SECOND = "%Y%m%d%H%M%S"


def retrieve_one(equipment: Equipment) -> bool:
    """Bring the request that is due first to its end, or to its next attempt; False when none is.

    When it ends without an answer, what has come until then is gone on with.
    """
    return attempt_next(_Requests(equipment), equipment)


class _Requests(Queue[PriorRequestClaim]):
    """Requests to peers for the earlier studies of a patient."""

    name = "requests"
    needs_files = True

    @property
    def backoff(self) -> Backoff:
        settings = self._equipment.settings
        return Backoff(
            settings.fetch_priors_first_retry_s,
            settings.fetch_priors_longest_retry_s,
            settings.fetch_priors_max_attempts,
            patient=True,  # until `expires_at`: then a reader has gone on without them
        )

    def claim(self, session: Session, now: datetime) -> PriorRequestClaim | None:
        return claim_request(session, lease_s=_LEASE_S, now=now)

    def facts(self, claim: PriorRequestClaim) -> Mapping[str, int | str]:
        return {"request_id": claim.request_id, "study_id": claim.study_id, "peer": claim.peer}

    def unanswered(self, claim: PriorRequestClaim) -> int:
        return claim.unanswered

    def study_of(self, session: Session, claim: PriorRequestClaim) -> str:
        return uid_of_study(session, claim.study_id)

    def attempt(self, claim: PriorRequestClaim, lease: Lease) -> None:
        equipment = self._equipment
        queried = equipment.settings.queried
        peer = next((one for one in queried if one.name == claim.peer), None)
        if peer is None:
            raise PeerRefused("The peer is not asked for earlier studies any more", peer=claim.peer)
        with query(equipment.engine) as session:
            wanted = wanted_priors(session, claim.request_id)
        if not wanted:
            wanted = _find(equipment, claim, peer)
        for uid, retrieved in wanted.items():
            if not retrieved:
                _retrieve(equipment, claim, peer, uid)
        state = PriorRequestState.RETRIEVED if wanted else PriorRequestState.NOTHING
        with transaction(equipment.engine) as session:
            end_asking(session, claim, state, equipment.clock())

    def settle(self, session: Session, claim: PriorRequestClaim, end: Unsuccessful) -> None:
        if end.ending is Ending.AGAIN and end.due_at < claim.expires_at:
            away = is_away(end.error)
            postpone_request(session, claim, end.due_at, **end.fault, unanswered=away)
            return
        some = any(wanted_priors(session, claim.request_id).values())
        state = PriorRequestState.RETRIEVED if some else PriorRequestState.FAILED
        end_asking(session, claim, state, end.now, **end.fault)


def _retrieve(equipment: Equipment, claim: PriorRequestClaim, peer: Peer, uid: str) -> None:
    """Have one study sent to us."""
    if equipment.clock() >= claim.expires_at:
        raise PeerUnreachable("The time limit for earlier studies has passed", peer=peer.name)
    instances = retrieve_study(
        peer,
        uid,
        calling_ae_title=equipment.settings.ae_title,
        timeout_s=_RETRIEVE_TIMEOUT_S,
    )
    _log.info("prior_retrieved", instances=instances)
    with transaction(equipment.engine) as session:
        record_retrieved(session, claim, uid, equipment.clock())


def _find(equipment: Equipment, claim: PriorRequestClaim, peer: Peer) -> dict[str, bool]:
    """Ask which earlier studies there are, and note those that are wanted."""
    settings, now = equipment.settings, equipment.clock()
    with query(equipment.engine) as session:
        study = study_to_compare(session, claim.study_id)
    place = kept_files(settings).fetch(settings.spool_folder / study.instance_path)
    identity = read_patient_identity(place)
    so_far = compared_so_far(study)
    acquired_at = so_far.acquired_at
    if identity is None or acquired_at is None:
        return {}
    found = find_studies(
        peer,
        identity.patient_id,
        before=acquired_at.date(),
        calling_ae_title=settings.ae_title,
        timeout_s=settings.delivery_timeout_s,
    )
    earlier = choose_studies(
        (one for one in found if one.study_instance_uid != study.study_instance_uid),
        identity=identity,
        acquired_at=acquired_at,
        within_days=settings.fetch_priors_days,
        newer_than=so_far.earlier_at,
    )
    with transaction(equipment.engine) as session:
        record_audit(
            session,
            "archive_queried",
            now,
            Actor(peer.name, "", peer.host or ""),
            study=study_reference(
                session, study_instance_uid=uid_of_study(session, claim.study_id)
            ),
            ae_title=str(peer.ae_title),
            found=len(found),
        )
        held = held_studies(session, earlier)
        # What we hold and have read was there to be compared with, and was of no use.
        wanted = [uid for uid in earlier if not held.get(uid, False)][: settings.fetch_priors]
        if wanted:
            record_wanted(session, claim, wanted, held, now)
    return {uid: uid in held for uid in wanted}


def choose_studies(
    found: Iterable[FoundStudy],
    *,
    identity: PatientIdentity,
    acquired_at: datetime,
    within_days: int,
    newer_than: datetime | None = None,
) -> list[str]:
    """Take those that are of the same patient, earlier and not too old; the order is kept.

    What the PACS does not say is read from the headers when the instances are here.

    Parameters
    ----------
    newer_than : when the study was acquired that was compared with already, if there is one
    """
    before = f"{acquired_at:{_SECOND}}"
    oldest = f"{acquired_at - timedelta(days=within_days):%Y%m%d}"
    after = "" if newer_than is None else f"{newer_than:{_SECOND}}"
    return [
        study.study_instance_uid
        for study in found
        if study.study_date >= oldest
        and after < study.study_date + _time_of_day(study.header) < before
        and not contradiction(identity, patient_identity(study.header))
    ]


def _time_of_day(header: Dataset) -> str:
    """Study Time to the second; the end of the day where the PACS does not say."""
    return (str(header.get("StudyTime") or "")[:6] or "24").ljust(6, "0")
