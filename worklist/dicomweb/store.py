"""STOW-RS: instances that are stored over HTTP, through the node's own door.

PS3.18 Section 10.5 (Store Transaction), Annex I.2 (Store Instances Response). Each instance is
durable before the request is answered, or the answer says by its Failure Reason why it is not
stored: the DIMSE status that the node would have answered.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Any, Final

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from database.accounts.audit import record_audit, study_reference
from database.session import transaction
from dicom_node.places import Places
from dicom_node.receive.stow_door import FileAnswer, StowDoor, StowRequest
from dicom_node.status import OUT_OF_RESOURCES, SUCCESS
from radiology.errors import DatabaseUnavailable, SpoolFull
from settings.log.log_events import get_logger
from worklist.access.audit_trail import actor_of, address_of
from worklist.dicomweb.accepted import DICOM_JSON
from worklist.dicomweb.refusal import RequestRefused
from worklist.dicomweb.store_body import StoreBody
from worklist.page.screens import PageContext

_log = get_logger("worklist")
_BATCH_BYTES: Final = 1_000_000
_TRY_AGAIN_S: Final = 30
_LEAST_BYTES_A_SECOND: Final = 10_000
"""So fast a body comes while we wait for it, after the first `association_idle_s`: a poor line is
faster, and one that trickles for hours keeps no place from others."""
_WARNINGS: Final = range(0xB000, 0xC000)  # PS3.7 Section C.3


class Store:
    """Takes STOW-RS requests, so many at a time as the node takes associations.

    One account has half of them at most, so that there is room for another one.
    """

    def __init__(self, context: PageContext) -> None:
        self._context = context
        self._door = StowDoor(context.settings, context.engine, context.clock)
        most = context.settings.max_associations
        self.places = Places(most, of_one=max(1, most // 2))

    def close(self) -> None:
        """Let go of the spool."""
        self._door.close()

    async def take(self, request: Request, study_instance_uid: str | None, root: str) -> Response:
        """Store what a request carries.

        Parameters
        ----------
        study_instance_uid : the only study that its instances may be of
        root : address of the services, without a closing slash

        Raises
        ------
        RequestRefused
            400, 413, 415: it cannot be read. 408: it comes too slowly. 503: nothing can be stored
            now.
        """
        account = actor_of(request).reader
        if not self.places.begin(account):
            raise _later("There are too many requests at a time.")
        try:
            return await self._take(request, study_instance_uid, root)
        finally:
            self.places.end(account)

    async def _take(self, request: Request, study_instance_uid: str | None, root: str) -> Response:
        content_type = request.headers.get("content-type", "")
        try:
            door = await run_in_threadpool(self._door.begin, address_of(request))
        except (DatabaseUnavailable, SpoolFull) as error:
            raise _later(f"{error.message}.") from error
        is_whole = False
        body: StoreBody | None = None
        try:
            body = StoreBody(content_type, lambda: door.file(study_instance_uid))
            async for batch in self._batches(request):
                await run_in_threadpool(body.take, batch)
            await run_in_threadpool(body.end)
            is_whole = True
        except ClientDisconnect:
            _log.warning("stow_broken_off", address=address_of(request))
            raise RequestRefused(400, "The transfer was broken off.") from None
        except TimeoutError:
            raise RequestRefused(408, "The body came too slowly: send it again.") from None
        finally:
            await run_in_threadpool(self._end, request, door, body, is_whole)
        return _answer(body.answers, root)

    async def _batches(self, request: Request) -> AsyncIterator[bytes]:
        gathered = bytearray()
        stream = request.stream()
        idle_s = self._context.settings.association_idle_s
        patience_s = idle_s
        while True:
            began = time.monotonic()
            async with asyncio.timeout(patience_s):
                piece = await anext(stream, None)
            if piece is None:
                break
            waited_s = time.monotonic() - began  # not the time that we take ourselves
            patience_s = min(idle_s, patience_s - waited_s + len(piece) / _LEAST_BYTES_A_SECOND)
            gathered += piece
            if len(gathered) >= _BATCH_BYTES:
                yield bytes(gathered)
                gathered.clear()
        if gathered:
            yield bytes(gathered)

    def _end(
        self, request: Request, door: StowRequest, body: StoreBody | None, is_whole: bool
    ) -> None:
        answers: Sequence[FileAnswer] = ()
        if body is not None:
            body.discard()
            answers = body.answers
        door.end(is_whole=is_whole)
        stored = sum(one.answer.status == SUCCESS for one in answers)
        _log.info("stow_received", files=len(answers), stored=stored, whole=is_whole)
        studies = {one.answer.study_instance_uid for one in answers} - {""}
        # What is stored is stored: without its event it would be a study that nobody brought.
        with suppress(DatabaseUnavailable), transaction(self._context.engine) as session:
            for uid in sorted(studies):
                record_audit(
                    session,
                    "study_stored",
                    self._context.clock(),
                    actor_of(request),
                    study=study_reference(session, study_instance_uid=uid),
                    files=sum(one.answer.study_instance_uid == uid for one in answers),
                )


def _later(message: str) -> RequestRefused:
    return RequestRefused(
        503, f"{message} Nothing was stored: send it again.", Retry_After=str(_TRY_AGAIN_S)
    )


def _answer(answers: Sequence[FileAnswer], root: str) -> Response:
    """The Store Instances Response (PS3.18 Table I.1-1) with the status of Table 10.5.3-1."""
    stored: list[dict[str, Any]] = []
    failed: list[dict[str, Any]] = []
    unnamed: list[dict[str, Any]] = []
    for one in answers:
        status = one.answer.status
        item = _reference(one)
        if status == SUCCESS or status in _WARNINGS:
            if status in _WARNINGS:
                item["00081196"] = {"vr": "US", "Value": [status]}  # Warning Reason
            elif uid := one.answer.study_instance_uid:
                address = f"{root}/studies/{uid}"
                item["00081190"] = {"vr": "UR", "Value": [address]}  # Retrieve URL
            stored.append(item)
            continue
        item["00081197"] = {"vr": "US", "Value": [status]}  # Failure Reason
        (failed if one.sop_instance_uid else unnamed).append(item)
    content: dict[str, Any] = {}
    for tag, items in (("00081198", failed), ("00081199", stored), ("0008119A", unnamed)):
        if items:
            content[tag] = {"vr": "SQ", "Value": items}
    return Response(
        json.dumps(content), media_type=DICOM_JSON, status_code=_status(answers, len(stored))
    )


def _reference(one: FileAnswer) -> dict[str, Any]:
    if not one.sop_instance_uid:
        return {}
    return {
        "00081150": {"vr": "UI", "Value": [one.sop_class_uid[:64]]},
        "00081155": {"vr": "UI", "Value": [one.sop_instance_uid[:64]]},
    }


def _status(answers: Sequence[FileAnswer], stored: int) -> int:
    if stored == len(answers):
        return 202 if any(one.answer.status in _WARNINGS for one in answers) else 200
    if stored:
        return 202
    if all(one.answer.status == OUT_OF_RESOURCES for one in answers):
        return 503
    return 409
