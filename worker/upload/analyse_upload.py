"""Reads an upload as `firstread predict` reads files: after every study, and only until one comes.

The ways out of an upload are an answer, a refusal with its reason, back to the queue, or failed.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from PIL.Image import Image

from database.session import Session, query, transaction
from database.states import UploadState
from database.uploads.file_refusal import FileRefusal
from database.uploads.received import (
    UploadClaim,
    claim_upload,
    end_upload,
    give_way,
    renew_upload,
    return_upload,
)
from database.uploads.sweep import study_waits
from models.readers.slice_reader import SliceToRead
from radiology.errors import Refused
from settings.log.log_events import get_logger
from storage.kept_files import kept_files
from worker.attempt.attempt_next import attempt_next
from worker.attempt.lease import Lease
from worker.attempt.queue import Queue, Renewal, Unsuccessful
from worker.attempt.retry import Backoff, Ending
from worker.equipment import Equipment
from worker.predict.on_step import OnStep
from worker.predict.predict_slice import predict_slice
from worker.predict.predict_study import predict_study
from worker.predict.read_slice_file import slice_of_instance, slice_of_picture
from worker.series.read_series import read_instances
from worker.upload.inspection import (
    RECEIVED,
    UNPACKED,
    InspectionOrder,
    InspectionResult,
    UploadKind,
)
from worker.upload.run_inspection import run_inspection

_log = get_logger("upload")
_PICTURE = "picture.png"
_NOT_KEPT = frozenset(
    {"series", "context", "known", "series_instance_uid", "key_instance", "acquired_at"}
)
"""Of an answer: what identifies the study or quotes its headers."""
_GIVES_WAY_AFTER = timedelta(seconds=1)  # so long an idle worker has to take the study instead
_LOOK_EVERY_S = 1.0
# Where each step begins and ends on the bar that a person sees, in percent.
_SPANS = {
    "unpacking": (0, 10),
    "decoding": (10, 40),
    "Headers": (40, 45),
    "Decoding slices": (45, 60),
    "Looking at slices": (60, 98),
}


class _GaveWay(Exception):
    """A study waits, and no other worker took it."""


def analyse_upload(equipment: Equipment) -> bool:
    """Bring the upload that has waited longest to its end; False when none waits."""
    return attempt_next(_Uploads(equipment), equipment)


class _Uploads(Queue[UploadClaim]):
    """What people gave the page to look at. One of these makes one attempt."""

    name = "uploads"
    needs_files = True

    def __init__(self, equipment: Equipment) -> None:
        super().__init__(equipment)
        self._files = kept_files(equipment.settings)
        self._refusals: tuple[FileRefusal, ...] = ()
        self._step = ""
        self._looking, self._showing = _Seldom(), _Seldom()

    @property
    def backoff(self) -> Backoff:
        limits = self._equipment.settings.uploads
        return Backoff(limits.first_retry_s, limits.longest_retry_s, limits.max_attempts)

    def claim(self, session: Session, now: datetime) -> UploadClaim | None:
        equipment = self._equipment
        lease_s = equipment.settings.lease_s
        return claim_upload(session, worker=equipment.worker, lease_s=lease_s, now=now)

    def facts(self, claim: UploadClaim) -> Mapping[str, int | str]:
        return {"upload_id": claim.upload_id}

    def renewal(self, claim: UploadClaim) -> Renewal:
        equipment = self._equipment

        def renew(session: Session, percent: int) -> None:
            renew_upload(
                session,
                claim,
                lease_s=equipment.settings.lease_s,
                step=self._step,
                progress_percent=percent,
                now=equipment.clock(),
            )

        return renew

    def attempt(self, claim: UploadClaim, lease: Lease) -> None:
        try:
            self._read(claim, lease)
        except _GaveWay:
            _log.info("upload_gave_way")
            with transaction(self._equipment.engine) as session:
                give_way(session, claim)

    def settle(self, session: Session, claim: UploadClaim, end: Unsuccessful) -> None:
        fault = end.fault
        match end.ending:
            case Ending.AGAIN:
                return_upload(session, claim, **fault, not_before=end.due_at)
            case Ending.REFUSED:
                assert isinstance(end.error, Refused)
                said = self._without_folder(claim, end.error.message)
                self._refuse(session, claim, end.error.kind, said, end.now)
            case Ending.FAILED:
                end_upload(
                    session, claim, UploadState.FAILED, end.now, refusals=self._refusals, **fault
                )

    def clear_up(self, claim: UploadClaim, end: Unsuccessful) -> None:
        if end.ending is not Ending.AGAIN:
            self._delete_files(self._folder(claim))

    def _read(self, claim: UploadClaim, lease: Lease) -> None:
        """Look through it, read it, keep the answer."""
        equipment, folder = self._equipment, self._folder(claim)
        on_step = functools.partial(self._on_step, claim, lease)
        on_step("unpacking", 0, 1)
        bundle = equipment.upload_reader.bundle  # first: without a model no upload is at fault
        self._files.fetch_below(folder / RECEIVED)
        order = InspectionOrder(
            folder.resolve(), bundle.folder.resolve(), equipment.settings.uploads
        )
        verdict = run_inspection(
            order, on_step=on_step, on_wait=functools.partial(self._look_around, lease)
        )
        self._refusals = verdict.refusals
        if verdict.kind is None:
            said = self._without_folder(claim, verdict.error_message)
            with transaction(equipment.engine) as session:
                self._refuse(session, claim, verdict.error_kind, said, equipment.clock())
        else:
            answer, picture = self._predict(folder, verdict, on_step)
            kept = None
            if picture is not None:
                place = folder / _PICTURE
                place.unlink(missing_ok=True)  # an earlier attempt's copy, not writable
                picture.save(place)
                self._files.keep([(place, place)])
                kept = f"{claim.folder}/{_PICTURE}"
            named = {name: value for name, value in answer.items() if name not in _NOT_KEPT}
            with transaction(equipment.engine) as session:
                end_upload(
                    session,
                    claim,
                    UploadState.ANSWERED,
                    equipment.clock(),
                    refusals=self._refusals,
                    kind="study" if verdict.kind is UploadKind.STUDY else "slice",
                    answer={**named, "bundle": f"{bundle.name}/{bundle.version}"},
                    picture=kept,
                )
            _log.info("upload_answered", kind=verdict.kind.value)
        self._delete_files(folder)  # not reached by a worker that has lost its lease

    def _predict(
        self, folder: Path, verdict: InspectionResult, on_step: OnStep
    ) -> tuple[dict[str, Any], Image | None]:
        equipment, paths = self._equipment, [folder / path for path in verdict.paths]
        if verdict.kind is UploadKind.STUDY:
            return predict_study(
                paths,
                equipment.upload_reader,
                context=None,
                picture=True,
                heat=False,
                language=equipment.settings.language,
                on_step=on_step,
            )
        on_step("Looking at slices", 0, 1)
        return predict_slice(
            _slice_of(paths[0], is_picture=verdict.kind is UploadKind.PICTURE),
            equipment.slice_reader,
            picture=True,
        )

    def _refuse(
        self, session: Session, claim: UploadClaim, kind: str, message: str, now: datetime
    ) -> None:
        """A refusal is an answer too."""
        _log.info("upload_refused", error_kind=kind, files=len(self._refusals))
        end_upload(
            session,
            claim,
            UploadState.REFUSED,
            now,
            refusals=self._refusals,
            error_kind=kind,
            error_message=message,
        )

    def _delete_files(self, folder: Path) -> None:
        """Delete what was uploaded; the picture stays until the upload is deleted."""
        for name in (RECEIVED, UNPACKED):
            self._files.remove_below(folder / name)

    def _folder(self, claim: UploadClaim) -> Path:
        return self._equipment.settings.uploads_folder / claim.folder

    def _without_folder(self, claim: UploadClaim, message: str) -> str:
        return message.replace(str(self._folder(claim)), "").strip()

    def _on_step(self, claim: UploadClaim, lease: Lease, name: str, done: int, total: int) -> None:
        first, last = _SPANS[name]
        share = done / max(total, 1)
        self._step = name
        lease.progress_percent = round(first + share * (last - first))
        self._look_around(lease)
        if self._showing.due():
            with transaction(self._equipment.engine) as session:
                self.renewal(claim)(session, lease.progress_percent)

    def _look_around(self, lease: Lease) -> None:
        """Stop when the upload is somebody else's, or when a study waits for this worker."""
        lease.check()
        if not self._looking.due():
            return
        with query(self._equipment.engine) as session:
            if study_waits(session, self._equipment.clock() - _GIVES_WAY_AFTER):
                raise _GaveWay


def _slice_of(path: Path, *, is_picture: bool) -> SliceToRead:
    if is_picture:
        return slice_of_picture(path)
    (found,) = read_instances([path])
    return slice_of_instance(found)


class _Seldom:
    """Is due once, and again whenever a second has gone."""

    def __init__(self) -> None:
        self._due_at = float("-inf")

    def due(self) -> bool:
        now = time.monotonic()
        if now < self._due_at:
            return False
        self._due_at = now + _LOOK_EVERY_S
        return True
