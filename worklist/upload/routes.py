"""The upload page: its form, the transfer, the answer, the picture, and "delete now"."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, HTTPException, Request
from fastapi import Path as PathParameter
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.responses import (
    FileResponse,
    HTMLResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)

from database.session import query, transaction
from database.uploads.received import (
    expire_upload,
    open_upload,
    queue_upload,
    refuse_upload,
)
from database.views.upload_rows import upload_facts
from radiology.errors import FirstreadError, Unavailable, UploadRefused
from settings.log.log_events import get_logger
from storage.kept_files import kept_files
from worklist.access.request_guard import is_loopback
from worklist.page.csrf import FIELD, FORM_EXPIRED, HEADER, is_token_of
from worklist.page.current_reader import CurrentReader, PageReader
from worklist.page.live import LiveScreens
from worklist.page.screens import PageContext
from worklist.upload.qr_code import qr_code
from worklist.upload.receive import Received, receive_files
from worklist.upload.screen import upload_screen

_log = get_logger("worklist")
_TOKEN_BYTES = 24  # 192 bits: nobody guesses it
Token = Annotated[str, PathParameter(pattern="^[A-Za-z0-9_-]{32}$")]


def upload_routes(context: PageContext, live: LiveScreens) -> APIRouter:
    """`/upload`, `/uploads`, and what lies under an upload's address."""
    router = APIRouter()
    templates = context.templates

    @router.get("/upload", response_class=HTMLResponse)
    def form(_reader: CurrentReader) -> str:
        return templates.get_template("upload/upload.html").render(
            title="Upload", urgent=None, limits=context.settings.uploads
        )

    @router.post("/uploads")
    async def receive(request: Request, reader: CurrentReader) -> Response:
        token = await _receive(context, request, reader)
        return RedirectResponse(f"/uploads/{token}", status_code=303)

    receive.reads_body_itself = True  # type: ignore[attr-defined]  # see `check_csrf`

    @router.get("/uploads/{token}", response_class=HTMLResponse)
    def answer(request: Request, token: Token, _reader: CurrentReader) -> str:
        screen = upload_screen(context, token)
        address = f"{request.base_url}uploads/{token}"
        return templates.get_template("upload/answer.html").render(
            screen=screen,
            title=screen.title,
            urgent=None,
            live=f"/live/uploads/{token}",
            token=token,
            qr_code=qr_code(address),
            address=address,
            only_here=is_loopback(request.base_url.hostname or ""),
        )

    @router.get("/live/uploads/{token}")
    async def changes(token: Token, _reader: CurrentReader) -> StreamingResponse:
        stream = live.stream(f"upload {token}", lambda: upload_screen(context, token))
        return StreamingResponse(stream, media_type="text/event-stream")

    @router.get("/uploads/{token}/picture")
    def picture(token: Token, _reader: CurrentReader) -> Response:
        with query(context.engine) as session:
            found = upload_facts(session, token)
        if found is None or found.picture is None:
            raise HTTPException(404)
        return FileResponse(_inside(context, found.picture), media_type="image/png")

    @router.post("/uploads/{token}/delete")
    def delete(token: Token, _reader: CurrentReader) -> Response:
        with transaction(context.engine) as session:
            if not expire_upload(session, token, context.clock()):
                raise HTTPException(404)
        return RedirectResponse("/upload", status_code=303)

    return router


async def _receive(context: PageContext, request: Request, reader: PageReader) -> str:
    """Take one upload; gives the token of its address.

    Raises
    ------
    HTTPException
        503: as many uploads as may be are open already. Nothing of this one was read.
        403: the form is not one of ours, in the session that sends it. No file was kept.
    """
    settings, token = context.settings, secrets.token_urlsafe(_TOKEN_BYTES)
    folder = settings.uploads_folder / secrets.token_hex(16)
    upload_id = await run_in_threadpool(_open, context, token, folder, reader)
    if upload_id is None:
        raise HTTPException(503)
    try:
        received = await receive_files(
            request,
            folder / "received",
            settings.uploads,
            min_free_bytes=settings.min_free_bytes,
            check_fields=_token_check(request),
        )
    except ClientDisconnect:
        received = Received(fault=UploadRefused("The transfer was broken off"))
    except HTTPException:
        received = Received(fault=UploadRefused("The form was no longer valid"))
        await run_in_threadpool(_keep, context, upload_id, folder, received)
        raise
    await run_in_threadpool(_keep, context, upload_id, folder, received)
    return token


def _token_check(request: Request) -> Callable[[Mapping[str, str]], None]:
    """The check of the form's token, which stands in a header or before the first file."""
    secret = getattr(request.state, "csrf_secret", None)
    header = request.headers.get(HEADER)

    def check(fields: Mapping[str, str]) -> None:
        given = fields.get(FIELD) if header is None else header
        if secret is not None and not is_token_of(secret, given):
            raise HTTPException(403, FORM_EXPIRED)

    return check


def _open(context: PageContext, token: str, folder: Path, reader: PageReader) -> int | None:
    limits = context.settings.uploads
    with transaction(context.engine) as session:
        upload_id = open_upload(
            session,
            context.clock(),
            token=token,
            folder=folder.name,
            reader=reader.name,
            receive_s=limits.receive_s,
            most_open=limits.most_open,
        )
    if upload_id is not None:
        (folder / "received").mkdir(parents=True)
    return upload_id


def _keep(context: PageContext, upload_id: int, folder: Path, received: Received) -> None:
    """Let a worker have what came, or keep why it cannot."""
    fault: FirstreadError | None = received.fault
    if fault is None:
        try:
            kept_files(context.settings).hand_over(folder / "received")
        except Unavailable as error:
            fault = error
    if fault is not None:
        shutil.rmtree(folder / "received", ignore_errors=True)
    with transaction(context.engine) as session:
        came = {
            "files": received.files,
            "size_bytes": received.size_bytes,
        }
        keep_s = context.settings.uploads.keep_s
        if fault is None:
            queue_upload(session, upload_id, context.clock(), keep_s=keep_s, **came)
        else:
            refuse_upload(
                session,
                upload_id,
                context.clock(),
                keep_s=keep_s,
                error_kind=fault.kind,
                error_message=fault.message,
                **came,
            )
    _log.info("upload_received", upload_id=upload_id, refused=fault is not None, **came)


def _inside(context: PageContext, name: str) -> Path:
    """The file of a picture; 404 unless it lies in the uploads folder."""
    folder = context.settings.uploads_folder.resolve()
    kept_files(context.settings).fetch(folder / name)
    path = (folder / name).resolve()
    if not path.is_relative_to(folder) or path.suffix != ".png" or not path.is_file():
        raise HTTPException(404)
    return path
