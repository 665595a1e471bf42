"""`/ohif/`: the viewer's files, for whoever is signed in; its addresses are those of one page."""

from __future__ import annotations

import mimetypes
import re
from pathlib import Path

from fastapi import APIRouter, HTTPException
from starlette.responses import FileResponse, RedirectResponse, Response

from worklist.ohif.configuration import configuration_script
from worklist.ohif.installed import (
    CONFIGURATION,
    OHIF,
    START_PAGE,
    START_SCRIPT,
    file_within,
    ohif_folder,
    start_page,
    start_script,
    text,
)
from worklist.page.current_reader import CurrentReader
from worklist.page.screens import PageContext

_JAVASCRIPT = "text/javascript"
_TEXTS = {".js": _JAVASCRIPT, ".css": "text/css"}
_DIGEST_IN_NAME = re.compile(r"\.[0-9a-f]{16}\.js|[0-9a-f]{16}\.(wasm|woff2)")
_FOR_EVER = {"Cache-Control": "private, max-age=31536000, immutable"}
_FOR_A_DAY = {"Cache-Control": "private, max-age=86400"}
_ANEW = {"Cache-Control": "no-cache"}


def ohif_routes(context: PageContext) -> APIRouter:
    """`GET /ohif/…`; 404 where OHIF is not installed."""
    router = APIRouter()

    @router.get(OHIF)
    @router.get(OHIF + "/")
    def no_study(_reader: CurrentReader) -> Response:
        return RedirectResponse("/", status_code=303)  # the page's list is the list

    @router.get(OHIF + "/{name:path}")
    def file(name: str, _reader: CurrentReader) -> Response:
        folder = ohif_folder(context.settings)
        if folder is None:
            raise HTTPException(404)
        return _answer(folder, name)

    return router


def _answer(folder: Path, name: str) -> Response:
    if name == CONFIGURATION:
        return Response(configuration_script(), media_type=_JAVASCRIPT, headers=_ANEW)
    if name == START_SCRIPT:
        return Response(start_script(folder), media_type=_JAVASCRIPT, headers=_ANEW)
    path = file_within(folder, name)
    if path is None:
        if Path(name).suffix in (".js", ".css", ".wasm", ".map", ".png", ".json", ".html"):
            raise HTTPException(404)
        path = folder / START_PAGE  # an address within the application
    if path.name == START_PAGE:
        return Response(start_page(folder), media_type="text/html", headers=_ANEW)
    headers = _FOR_EVER if _DIGEST_IN_NAME.search(path.name) else _FOR_A_DAY
    if path.suffix in _TEXTS:
        return Response(text(path), media_type=_TEXTS[path.suffix], headers=headers)
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return FileResponse(path, media_type=kind, headers=headers)
