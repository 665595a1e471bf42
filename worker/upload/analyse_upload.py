"""Read an upload as `firstread predict` reads files: after every study, and only until one comes.

Every way out of an upload is here: an answer, a refusal with its reason, back to the queue, or
failed with a trace in the log.
"""

from __future__ import annotations

import contextlib
import shutil
import time
import traceback
from datetime import timedelta
from pathlib import Path
from typing import Any

import structlog
from PIL.Image import Image

from database.lease import LeaseLost
from database.session import Session, query, transaction
from database.states import UploadState
from database.uploads.file_refusal import FileRefusal
from database.uploads.received import (
    UploadClaim,
    claim_upload,
    end_upload,
    renew_upload,
    return_upload,
)
from database.uploads.sweep import study_waits
from radiology.errors import Refused, Unavailable
from settings.log_events import get_logger
from worker.attempt.lease import Lease
from worker.equipment import Equipment
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
_NOT_KEPT = frozenset({"series", "context", "series_instance_uid", "key_instance", "acquired_at"})
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


def analyse_upload(own: Equipment) -> bool:
    """Take the upload that has waited longest, and bring it to an end; False when none waits."""
    with transaction(own.engine) as session:
        claim = claim_upload(
            session, worker=own.worker, lease_s=own.settings.lease_s, now=own.clock()
        )
    if claim is None:
        return False
    with structlog.contextvars.bound_contextvars(upload_id=claim.upload_id):
        attempt = _Attempt(own, claim)
        try:
            with attempt.lease:
                attempt.run()
        except LeaseLost:
            _log.warning("lease_lost")
        except _GaveWay:
            _log.info("upload_gave_way")
            attempt.give_back(tried=False)
        except Refused as error:
            attempt.refuse(error.kind, error.message)
        except Unavailable as error:
            _log.warning("upload_returned", error_kind=error.kind)
            attempt.give_back_or_fail(error.kind, str(error))
        except Exception as error:  # noqa: BLE001 where a task ends
            # The message of a foreign exception may quote a data set; its type and lines may not.
            trace = "".join(traceback.format_tb(error.__traceback__))
            _log.error("defect", error_kind=type(error).__name__, trace=trace)
            attempt.give_back_or_fail(type(error).__name__, "A defect; the log has its trace")
    return True


class _Attempt:
    """One attempt at one upload."""

    def __init__(self, own: Equipment, claim: UploadClaim) -> None:
        self._own = own
        self._claim = claim
        self._folder = own.settings.uploads_folder / claim.folder
        self._refusals: tuple[FileRefusal, ...] = ()
        self._step = ""
        self._looking, self._showing = _Seldom(), _Seldom()
        self.lease = Lease(
            own.engine, self._renew, lease_s=own.settings.lease_s, upload_id=claim.upload_id
        )

    def run(self) -> None:
        """Look through it, read it, keep the answer."""
        self._on_step("unpacking", 0, 1)
        bundle = self._own.reader.bundle  # first: without a model no upload is at fault
        order = InspectionOrder(
            self._folder.resolve(), bundle.folder.resolve(), self._own.settings.uploads
        )
        verdict = run_inspection(order, on_step=self._on_step, on_wait=self._look_around)
        self._refusals = verdict.refusals
        if verdict.kind is None:
            self.refuse(verdict.error_kind, verdict.error_message)
            return
        answer, picture = self._predict(verdict)
        kept = None
        if picture is not None:
            picture.save(self._folder / _PICTURE)
            kept = f"{self._claim.folder}/{_PICTURE}"
        self._end(
            UploadState.ANSWERED,
            kind="study" if verdict.kind is UploadKind.STUDY else "slice",
            answer={
                **{name: value for name, value in answer.items() if name not in _NOT_KEPT},
                "bundle": f"{bundle.name}/{bundle.version}",
            },
            picture=kept,
        )
        _log.info("upload_answered", kind=verdict.kind.value)

    def _predict(self, verdict: InspectionResult) -> tuple[dict[str, Any], Image | None]:
        own, paths = self._own, [self._folder / path for path in verdict.paths]
        if verdict.kind is UploadKind.STUDY:
            return predict_study(
                paths,
                own.reader,
                context=None,
                picture=True,
                heat=False,
                language=own.settings.language,
                on_step=self._on_step,
            )
        self._on_step("Looking at slices", 0, 1)
        if verdict.kind is UploadKind.PICTURE:
            given = slice_of_picture(paths[0])
        else:
            (found,) = read_instances(paths)
            given = slice_of_instance(found)
        return predict_slice(given, own.slice_reader, picture=True)

    def refuse(self, error_kind: str, error_message: str) -> None:
        """A refusal is an answer too."""
        _log.info("upload_refused", error_kind=error_kind, files=len(self._refusals))
        said = error_message.replace(str(self._folder), "").strip()
        self._end(UploadState.REFUSED, error_kind=error_kind, error_message=said)

    def give_back(self, *, tried: bool) -> None:
        """Let it wait again."""
        with contextlib.suppress(LeaseLost), transaction(self._own.engine) as session:
            return_upload(session, self._claim, tried=tried)

    def give_back_or_fail(self, error_kind: str, error_message: str) -> None:
        """Let it wait again, or give up after the last attempt."""
        if self._claim.attempts < self._own.settings.max_attempts:
            self.give_back(tried=True)
            return
        self._end(UploadState.FAILED, error_kind=error_kind, error_message=error_message)

    def _end(self, state: UploadState, **values: Any) -> None:
        with contextlib.suppress(LeaseLost):
            with transaction(self._own.engine) as session:
                end_upload(
                    session,
                    self._claim,
                    state,
                    self._own.clock(),
                    refusals=self._refusals,
                    **values,
                )
            delete_files(self._folder)  # a worker that lost its claim deletes nothing

    def _renew(self, session: Session, percent: int) -> None:
        renew_upload(
            session,
            self._claim,
            lease_s=self._own.settings.lease_s,
            step=self._step,
            progress_percent=percent,
            now=self._own.clock(),
        )

    def _on_step(self, name: str, done: int, total: int) -> None:
        first, last = _SPANS[name]
        share = done / max(total, 1)
        self._step = name
        self.lease.progress_percent = round(first + share * (last - first))
        self._look_around()
        if self._showing.due():
            with transaction(self._own.engine) as session:
                self._renew(session, self.lease.progress_percent)

    def _look_around(self) -> None:
        """Stop when the upload is somebody else's, or when a study waits for this worker."""
        self.lease.check()
        if not self._looking.due():
            return
        with query(self._own.engine) as session:
            if study_waits(session, self._own.clock() - _GIVES_WAY_AFTER):
                raise _GaveWay


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


def delete_files(folder: Path) -> None:
    """Delete what was uploaded; the picture stays until the upload is deleted."""
    for name in (RECEIVED, UNPACKED):
        shutil.rmtree(folder / name, ignore_errors=True)
