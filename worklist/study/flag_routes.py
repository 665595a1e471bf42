"""Acknowledging a flag at the page or by a signed call, and telling a channel again."""

from __future__ import annotations

import hmac
import json
from typing import Annotated

from fastapi import APIRouter, HTTPException, Request
from fastapi import Path as PathParameter
from starlette.responses import JSONResponse, RedirectResponse, Response

from database.flags.notices import retry_notices
from database.flags.raised import acknowledge_flag
from database.session import query, transaction
from database.views.flag_pages import study_of_flag, token_of_flag
from radiology.errors import SettingsRefused
from radiology.identity import checked_uid
from settings.flags import WebhookChannel
from settings.log.log_events import get_logger
from webhook_node.signature import is_signed
from worklist.page.chosen_bundle import ChosenBundle, with_bundle
from worklist.page.current_reader import CurrentReader
from worklist.page.kept_list import KeptList, back_to, with_list
from worklist.page.screens import PageContext

_log = get_logger("worklist")
_LONGEST_BODY_BYTES = 16 * 1024
Token = Annotated[str, PathParameter(min_length=20, max_length=64, pattern="^[A-Za-z0-9_-]+$")]


def flag_routes(context: PageContext) -> APIRouter:
    """`POST /flags/{flag_uid}/acknowledge`, `/retry`, and `/acknowledge/{token}` for systems."""
    router = APIRouter(prefix="/flags/{flag_uid}")

    @router.post("/acknowledge")
    def acknowledge(
        flag_uid: str, reader: CurrentReader, bundle: ChosenBundle = "", kept: KeptList = ""
    ) -> Response:
        uid = checked_uid(flag_uid, "flag_uid")
        with transaction(context.engine) as session:
            study = study_of_flag(session, uid)
            if study is None:
                raise HTTPException(404)
            acknowledge_flag(session, uid, by=reader.name, through="page", now=context.clock())
        # A second press finds it acknowledged, which is what was wanted.
        address = with_list(with_bundle(f"/studies/{study}", bundle), kept)
        return RedirectResponse(f"{address}#h-flags", status_code=303)

    @router.post("/retry")
    def retry(flag_uid: str, request: Request) -> Response:
        uid = checked_uid(flag_uid, "flag_uid")
        with transaction(context.engine) as session:
            study = study_of_flag(session, uid)
            if study is None:
                raise HTTPException(404)
            if not (count := retry_notices(session, uid, context.clock())):
                raise HTTPException(409)
        _log.info("flag_notices_retried", count=count)
        address = back_to(request.headers, f"/studies/{study}")
        return RedirectResponse(f"{address}#h-flags", status_code=303)

    @router.post("/acknowledge/{token}")
    async def acknowledge_by_call(flag_uid: str, token: Token, request: Request) -> Response:
        """What `acknowledge_url` of a webhook names: signed as our own webhooks are."""
        uid = checked_uid(flag_uid, "flag_uid")
        body = await _short_body(request)
        if body is None:
            return _refused(413, "The body is longer than an acknowledgement")
        with query(context.engine) as session:
            known = token_of_flag(session, uid)
        if known is None or not hmac.compare_digest(known, token):
            return _refused(404, "There is no such flag")
        channel = _signer(context, request, body)
        if channel is None:
            return _refused(403, "The call is not signed with the secret of a channel")
        with transaction(context.engine) as session:
            done = acknowledge_flag(
                session, uid, by=_name(body) or channel, through=channel, now=context.clock()
            )
        _log.info("flag_acknowledged_by_call", channel=channel, first=done)
        return JSONResponse({"acknowledged": True, "first": done})

    return router


def _refused(status: int, reason: str) -> JSONResponse:
    """For a system, not for a person: no page."""
    return JSONResponse({"acknowledged": False, "reason": reason}, status_code=status)


async def _short_body(request: Request) -> bytes | None:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LONGEST_BODY_BYTES:
            return None
    return body


def _signer(context: PageContext, request: Request, body: bytes) -> str | None:
    """The webhook whose secret a call is signed with.

    One without a secret is known by the address alone, which only it has been told.
    """
    webhooks = [one for one in context.settings.flags if isinstance(one, WebhookChannel)]
    for channel in webhooks:
        try:
            secret = channel.secret()
        except SettingsRefused:
            _log.error("flag_secret_unreadable", channel=channel.name)
            continue
        if secret is not None and is_signed(secret, request.headers, body, context.clock()):
            return channel.name
    return next((one.name for one in webhooks if one.secret_file is None), None)


def _name(body: bytes) -> str:
    """Who has seen it, if the call says so."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    name = said.get("acknowledged_by") if isinstance(said, dict) else None
    return name if isinstance(name, str) else ""
