"""Have a patient's earlier CTs sent to us by a PACS: those newer than what we hold.

It comes after the result, never before: the urgent answer waits for no archive. What comes is read
at low priority, and then `worker.priors.reread_with_priors` has the study read once more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from pydicom.dataset import Dataset

from database.lease import LeaseLost
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
from database.session import Engine, query, transaction
from database.states import PriorRequestState
from dicom_node.request.query import FoundStudy, find_studies, retrieve_study
from radiology.errors import FirstreadError, PeerRefused, PeerUnreachable
from settings.environment import Settings
from settings.log_events import get_logger
from settings.peers import Peer
from worker.attempt.retry import Backoff, retry_delay_s
from worker.series.patient_identity import (
    PatientIdentity,
    contradiction,
    patient_identity,
    read_patient_identity,
)

_log = get_logger("retrieval")
_LEASE_S = 660.0  # above the hard limit of the task: not renewed, asking twice does no harm
_RETRIEVE_TIMEOUT_S = 120.0  # an archive may have to fetch a tape before the first answer
_FIRST_RETRY_S = 30.0
_SECOND = "%Y%m%d%H%M%S"


def retrieve_one(
    settings: Settings,
    engine: Engine,
    clock: Callable[[], datetime],
    random: Callable[[], float],
) -> bool:
    """Claim the request that is due first and bring it to its end, or to its next attempt.

    Returns
    -------
    False when none is due.
    """
    with transaction(engine) as session:
        claim = claim_request(session, lease_s=_LEASE_S, now=clock())
    if claim is None:
        return False
    try:
        try:
            _retrieve(settings, engine, claim, clock)
        except FirstreadError as error:
            _postpone_or_end(settings, engine, claim, error, clock(), random())
    except LeaseLost:
        _log.warning("prior_request_lease_lost", request_id=claim.request_id)
    return True


def _retrieve(
    settings: Settings, engine: Engine, claim: PriorRequestClaim, clock: Callable[[], datetime]
) -> None:
    peer = next((one for one in settings.queried if one.name == claim.peer), None)
    if peer is None:
        raise PeerRefused("The peer is not asked for earlier studies any more", peer=claim.peer)
    with query(engine) as session:
        wanted = wanted_priors(session, claim.request_id)
    if not wanted:
        wanted = _find(settings, engine, claim, peer, clock())
    for uid, retrieved in wanted.items():
        if retrieved:
            continue
        if clock() >= claim.expires_at:
            raise PeerUnreachable("The time limit for earlier studies has passed", peer=peer.name)
        instances = retrieve_study(
            peer, uid, calling_ae_title=settings.ae_title, timeout_s=_RETRIEVE_TIMEOUT_S
        )
        _log.info("prior_retrieved", study_id=claim.study_id, peer=peer.name, instances=instances)
        with transaction(engine) as session:
            record_retrieved(session, claim, uid, clock())
    state = PriorRequestState.RETRIEVED if wanted else PriorRequestState.NOTHING
    with transaction(engine) as session:
        end_asking(session, claim, state, clock())


def _find(
    settings: Settings, engine: Engine, claim: PriorRequestClaim, peer: Peer, now: datetime
) -> dict[str, bool]:
    """Ask which earlier studies there are, and note those that are wanted."""
    with query(engine) as session:
        study = study_to_compare(session, claim.study_id)
    identity = read_patient_identity(settings.spool_folder / study.instance_path)
    acquired_at = moment(study.acquired_at)
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
        newer_than=moment(study.compared_at),
    )
    with transaction(engine) as session:
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
        one.study_instance_uid
        for one in found
        if one.study_date >= oldest
        and after < one.study_date + _time_of_day(one.header) < before
        and not contradiction(identity, patient_identity(one.header))
    ]


def moment(text: str | None) -> datetime | None:
    """When a study was acquired, as a result says."""
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None


def _time_of_day(header: Dataset) -> str:
    """Study Time to the second; the end of the day where the PACS does not say."""
    return (str(header.get("StudyTime") or "")[:6] or "24").ljust(6, "0")


def _postpone_or_end(
    settings: Settings,
    engine: Engine,
    claim: PriorRequestClaim,
    error: FirstreadError,
    now: datetime,
    jitter: float,
) -> None:
    """Ask again later; in the end go on with what has come, if anything has."""
    backoff = Backoff(_FIRST_RETRY_S, settings.delivery_longest_retry_s, settings.max_attempts)
    delay_s = retry_delay_s(error, claim.attempts, backoff, jitter=jitter)
    _log.warning(
        "priors_not_retrieved",
        study_id=claim.study_id,
        peer=claim.peer,
        error_kind=error.kind,
        attempt=claim.attempts,
        retry_in_s=delay_s,
    )
    with transaction(engine) as session:
        due_at = None if delay_s is None else now + timedelta(seconds=delay_s)
        if due_at is not None and due_at < claim.expires_at:
            postpone_request(
                session, claim, due_at, error_kind=error.kind, error_message=str(error)
            )
            return
        some = any(wanted_priors(session, claim.request_id).values())
        state = PriorRequestState.RETRIEVED if some else PriorRequestState.FAILED
        end_asking(session, claim, state, now, error_kind=error.kind, error_message=str(error))
