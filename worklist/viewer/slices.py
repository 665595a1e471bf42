"""Slices of a result for the viewer of the study page.

They are named by the number of the result and their place in its stack, both checked against what
is there. A result never changes, so a browser may keep its slices for the length of a session, for
itself alone.
"""

from __future__ import annotations

import zlib
from typing import Annotated

from fastapi import APIRouter, Header, HTTPException, Query
from fastapi import Path as PathParameter
from starlette.responses import JSONResponse, Response

from radiology.image.slice_stack import MOST_SLICES
from worklist.page.current_reader import CurrentReader
from worklist.page.pictures import ResultId
from worklist.page.screens import PageContext
from worklist.viewer.first_picture import first_picture
from worklist.viewer.slice_stack import SliceStack, stack_of
from worklist.viewer.stack_words import region_words, slice_names

_CACHE = {"Cache-Control": "private, max-age=3600", "Vary": "Accept-Encoding, Cookie"}
_GZIP = 31

Place = Annotated[int, PathParameter(ge=0, lt=MOST_SLICES)]
Accepted = Annotated[str, Header(alias="Accept-Encoding")]
Digest = Annotated[str, Query(alias="v", pattern="^[0-9a-f]{24}$")]


def slice_routes(context: PageContext) -> APIRouter:
    """`GET /results/{result_id}/slices`, `…/{place}/voxels`, `…/{place}/labels`, `…/heat`, and
    `…/first`: the key slice in its window, as a picture.
    """
    router = APIRouter(prefix="/results/{result_id}/slices")

    @router.get("")
    def index(result_id: ResultId, _reader: CurrentReader) -> JSONResponse:
        facts = _stack(context, result_id).index()
        if facts is None:
            raise HTTPException(404)
        facts = {**facts, "names": slice_names(facts), "words": region_words(facts)}
        # Not kept by the browser: it says whether the slices are still there.
        return JSONResponse(facts, headers={"Cache-Control": "private, no-cache"})

    @router.get("/heat")
    def heat(result_id: ResultId, _reader: CurrentReader) -> Response:
        content = _stack(context, result_id).heat()
        if content is None:
            raise HTTPException(404)
        return Response(content, media_type="application/json", headers=_CACHE)

    @router.get("/first")
    def first(result_id: ResultId, _reader: CurrentReader, digest: Digest) -> Response:
        picture = first_picture(_stack(context, result_id))
        if picture is None or picture.digest != digest:  # the file is another one by now
            raise HTTPException(404)
        return Response(picture.png, media_type="image/png", headers=_CACHE)

    @router.get("/{place}/voxels")
    def voxels(
        result_id: ResultId, place: Place, _reader: CurrentReader, accepted: Accepted = ""
    ) -> Response:
        return _packed(_stack(context, result_id).voxels(place), accepted)

    @router.get("/{place}/labels")
    def labels(
        result_id: ResultId, place: Place, _reader: CurrentReader, accepted: Accepted = ""
    ) -> Response:
        return _packed(_stack(context, result_id).labels(place), accepted)

    return router


def _stack(context: PageContext, result_id: int) -> SliceStack:
    stack = stack_of(context, result_id)
    if stack is None:
        raise HTTPException(404)
    return stack


def _packed(content: bytes | None, accepted: str) -> Response:
    """A gzip stream as it is, or unpacked for whoever does not take it (RFC 9110, 12.5.3)."""
    if content is None:
        raise HTTPException(404)
    if "gzip" in accepted:
        headers = {**_CACHE, "Content-Encoding": "gzip"}
        return Response(content, media_type="application/octet-stream", headers=headers)
    try:
        plain = zlib.decompress(content, _GZIP)
    except zlib.error as error:
        raise HTTPException(404) from error
    return Response(plain, media_type="application/octet-stream", headers=_CACHE)
