"""Key pictures, found by the number of their result, never by a path from a browser."""

from __future__ import annotations

import io
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, HTTPException
from fastapi import Path as PathParameter
from PIL import Image, UnidentifiedImageError
from starlette.responses import FileResponse, Response

from database.session import query
from database.views.worklist.worklist_rows import key_picture_path
from radiology.image.key_picture import KEYWORD, panel_of
from storage.kept_files import kept_files
from worklist.page.screens import PageContext

_THUMBNAIL_PIXELS = 160  # twice what the list shows, for screens of double density
# A result's picture never changes; it must not lie in a cache for longer than a reader's session.
_HEAT = ".heat.png"  # in the place of ".png" of the key picture
_CACHE = {"Cache-Control": "private, max-age=3600"}

ResultId = Annotated[int, PathParameter(ge=1, le=2**31 - 1)]


def picture_routes(context: PageContext) -> APIRouter:
    """`GET /pictures/{result_id}`, `/thumbnail`: its key slice, `/heat`: with the heat map."""
    router = APIRouter(prefix="/pictures")

    @router.get("/{result_id}")
    def picture(result_id: ResultId) -> Response:
        return FileResponse(_path_of(context, result_id), media_type="image/png", headers=_CACHE)

    @router.get("/{result_id}/thumbnail")
    def thumbnail(result_id: ResultId) -> Response:
        path = _path_of(context, result_id)
        try:
            small = _thumbnail(path, path.stat().st_mtime_ns)
        except (OSError, UnidentifiedImageError) as error:
            raise HTTPException(404) from error
        return Response(small, media_type="image/png", headers=_CACHE)

    @router.get("/{result_id}/heat")
    def heat(result_id: ResultId) -> Response:
        # A link could lead out of the folder: the path is checked as that of the picture is.
        path = _inside(context, _path_of(context, result_id).with_suffix(_HEAT), ".png")
        return FileResponse(path, media_type="image/png", headers=_CACHE)

    return router


def _path_of(context: PageContext, result_id: int) -> Path:
    """The file of a key picture; 404 unless it is a PNG file inside the results folder."""
    with query(context.engine) as session:
        named = key_picture_path(session, result_id)
    folder = context.settings.results_folder
    return _inside(context, folder / named if named else folder, ".png")


def has_heat_picture(context: PageContext, key_picture: str | None) -> bool:
    """Whether a result has its key picture with the heat map beside the plain one."""
    if key_picture is None:
        return False
    path = (context.settings.results_folder / key_picture).with_suffix(_HEAT)
    return is_kept(context, path, ".png")


def is_kept(context: PageContext, named: Path, suffix: str) -> bool:
    """Whether `kept_file` would give a file; none is fetched for the answer."""
    files = kept_files(context.settings)
    if files.are_elsewhere:
        return named.name.endswith(suffix) and files.facts(named) is not None
    return kept_file(context, named, suffix) is not None


def _inside(context: PageContext, named: Path, suffix: str) -> Path:
    """The file itself; 404 unless it is one of that kind inside the results folder."""
    path = kept_file(context, named, suffix)
    if path is None:
        raise HTTPException(404)
    return path


def kept_file(context: PageContext, named: Path, suffix: str) -> Path | None:
    """The file itself; None unless it is one of that kind inside the results folder."""
    kept_files(context.settings).fetch(named)
    folder, path = context.settings.results_folder.resolve(), named.resolve()
    inside = path.is_relative_to(folder) and path.name.endswith(suffix) and path.is_file()
    return path if inside else None


@lru_cache(maxsize=512)
def _thumbnail(path: Path, _modified_ns: int) -> bytes:
    with Image.open(path, formats=("PNG",)) as picture:
        panel = panel_of(picture.info.get(KEYWORD), *picture.size)
        small = picture.convert("RGB").crop(panel)  # None: the whole of it
        small.thumbnail((_THUMBNAIL_PIXELS, _THUMBNAIL_PIXELS), Image.Resampling.LANCZOS)
        written = io.BytesIO()
        small.save(written, "PNG", optimize=True)
        return written.getvalue()
