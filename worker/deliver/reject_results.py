"""Rejects results: wrong results that a person withdraws, and superseded results.

The note is durable on disk before the rows that name it, and its UIDs follow from what it rejects.
So a process that dies in between can simply repeat the step.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import datetime

from database.flags.rules import FlagRules
from database.results.withdrawals import (
    Rejectable,
    mark_withdrawn,
    results_to_withdraw,
    store_rejection,
    superseded_to_reject,
)
from database.session import Engine, query, transaction
from database.states import ObjectKind, RejectionReason
from database.tables.study.analysis import ResultObject
from radiology import codes
from radiology.errors import ResultNotWithdrawable
from settings.environment import Settings
from settings.log.log_events import get_logger
from storage.kept_files import kept_files
from worker.attempt.attempt_step import attempt_step

_log = get_logger("rejection")
_TITLES = {
    RejectionReason.QUALITY: codes.REJECTED_FOR_QUALITY,
    RejectionReason.PATIENT_SAFETY: codes.REJECTED_FOR_SAFETY,
    RejectionReason.INCORRECT_WORKLIST: codes.INCORRECT_WORKLIST_ENTRY,
    RejectionReason.DATA_RETENTION: codes.DATA_RETENTION_EXPIRED,
}


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """What a withdrawal led to: which version is struck, and where a note goes."""

    study_version: int
    destinations: tuple[str, ...]


def withdraw_result(
    settings: Settings,
    engine: Engine,
    study_instance_uid: str,
    reason: RejectionReason,
    now: datetime,
    *,
    version: int | None = None,
    bundle: str | None = None,
) -> Withdrawal:
    """Strike a result, and queue a rejection note for every destination that may have got it.

    Parameters
    ----------
    version : of the study; the result in force when left out
    bundle : whose result; may be left out where only one has any

    Raises
    ------
    ResultNotWithdrawable
        There is no such result, it was withdrawn already, or it is not said which of several.
    SpoolFull
        There is no room for the note; nothing has changed.
    """
    with query(engine) as session:
        results = results_to_withdraw(session, study_instance_uid, version=version, bundle=bundle)
    if not results:
        raise ResultNotWithdrawable("There is no result of this study")
    if len(results) > 1:
        names = ", ".join(sorted(one.bundle for one in results))
        raise ResultNotWithdrawable("Several bundles have a result: name one", bundles=names)
    (found,) = results
    if found.withdrawn is not None:
        raise ResultNotWithdrawable("The result is withdrawn already", reason=found.withdrawn.value)
    if not _objects_are_here(settings, found):
        raise ResultNotWithdrawable(
            "Its objects are not kept here any more, and a rejection note is made of them: "
            "reject them in PACS"
        )
    note = _make_note(settings, found, reason, now)
    with transaction(engine) as session:
        rules = FlagRules(settings.flags, settings.flagging)
        destinations = mark_withdrawn(session, found.result_id, reason, rules, now)
        if destinations is None:
            raise ResultNotWithdrawable("The result is withdrawn already")
        if note is not None and destinations:
            store_rejection(session, found.result_id, note, destinations, now)
    _log.warning(
        "result_withdrawn",
        study_instance_uid=study_instance_uid,
        result_id=found.result_id,
        reason=reason.value,
        destinations=list(destinations),
    )
    return Withdrawal(found.study_version, destinations)


def reject_superseded(settings: Settings, engine: Engine, now: datetime) -> int:
    """Queue notes for older results where the settings ask for it; returns how many are wanted."""
    asking = [peer.name for peer in settings.destinations if peer.reject_superseded]
    if not asking:
        return 0
    with query(engine) as session:
        found = superseded_to_reject(session, asking)
    if not found or not kept_files(settings).answer():
        return 0
    for result in found:
        attempt_step(
            functools.partial(_reject_superseded, settings, engine, result, now),
            "rejection",
            result_id=result.result_id,
        )
    return len(found)


def _reject_superseded(
    settings: Settings, engine: Engine, found: Rejectable, now: datetime
) -> None:
    if not _objects_are_here(settings, found):
        return
    note = _make_note(settings, found, RejectionReason.QUALITY, found.at)
    if note is None:
        return
    with transaction(engine) as session:
        store_rejection(session, found.result_id, note, found.destinations, now)
    _log.info(
        "superseded_rejected", result_id=found.result_id, destinations=list(found.destinations)
    )


def _objects_are_here(settings: Settings, found: Rejectable) -> bool:
    """Whether retention has left what a note is made of."""
    files = kept_files(settings)
    return all(files.facts(settings.results_folder / path) is not None for path in found.paths)


def _make_note(
    settings: Settings, found: Rejectable, reason: RejectionReason, at: datetime
) -> ResultObject | None:
    """Make the note and keep it on disk; None for a result without objects."""
    if not found.paths:
        return None
    # Here: each sweep looks whether there is anything to reject, and there hardly ever is; what
    # encodes takes a second and 60 MB.
    from pydicom import dcmread

    from worker.encode import prove_note
    from worker.encode.rejection_note import encode_rejection_note
    from worker.keep.durable_files import StagedFiles
    from worker.keep.keep_results import bytes_of, keep_object

    kept_here = kept_files(settings)
    paths = kept_here.fetch_all([settings.results_folder / path for path in found.paths])
    rejected = [dcmread(path, stop_before_pixels=True) for path in paths]
    encoded = encode_rejection_note(
        rejected,
        _TITLES[reason],
        rejected_at=at.astimezone(settings.zone),
        result_version=found.study_version,
    )
    content = bytes_of(encoded)
    prove_note(content, paths, str(rejected[0].SOPInstanceUID))
    with StagedFiles(kept_here) as files:
        kept = keep_object(settings.results_folder, encoded, content, write=files.write)
    return ResultObject(
        kind=ObjectKind.REJECTION,
        sop_class_uid=kept.sop_class_uid,
        sop_instance_uid=kept.sop_instance_uid,
        series_instance_uid=kept.series_instance_uid,
        path=kept.path,
        size_bytes=kept.size_bytes,
    )
