"""The set of disagreements as a download, for administrators, while it is small.

Reading images is the workers' part, which the page does not know: the command line is started as a
process of its own, with the settings of the page.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Annotated
from zipfile import ZIP_DEFLATED, ZipFile

from fastapi import APIRouter, Form
from starlette.responses import HTMLResponse, Response, StreamingResponse

from database.feedback.given import judged_results, newest_of_each_study
from database.session import query
from radiology.feedback import Judgement
from settings.environment import Settings
from settings.log.log_events import get_logger
from worklist.administration.command_line import command, environment_of
from worklist.list.query import disagreed_address
from worklist.page.current_reader import Administrator
from worklist.page.screens import PageContext

MOST_STUDIES = 20
"""Of a download; at half a megabyte a slice some 80 MB. More are for the command line."""

_LIMIT_S = 300.0
_PIECE_BYTES = 1 << 20
_log = get_logger("worklist")


def feedback_export_routes(context: PageContext) -> APIRouter:
    """`POST /feedback/export`: a zip, or a page that says why not."""
    router = APIRouter()

    @router.post("/feedback/export")
    def export(reader: Administrator, agreements: Annotated[bool, Form()] = False) -> Response:
        with query(context.engine) as session:
            judged = newest_of_each_study(judged_results(session))
        wanted = [one for one in judged if agreements or one.judgement is Judgement.DISAGREE]
        if not 0 < len(wanted) <= MOST_STUDIES:
            return _page(context, "nothing" if not wanted else "many", len(wanted), agreements)
        archive = _archive(context.settings, agreements)
        if archive is None:
            return _page(context, "refused", len(wanted), agreements)
        _log.info("feedback_exported", reader=reader.name, studies=len(wanted))
        headers = {
            "Content-Disposition": 'attachment; filename="feedback-cases.zip"',
            "Cache-Control": "no-store",
        }
        return StreamingResponse(_pieces(archive), media_type="application/zip", headers=headers)

    return router


def _page(context: PageContext, why: str, studies: int, agreements: bool) -> HTMLResponse:
    """Why there is no download, and the command that does it or says more."""
    html = context.templates.get_template("administration/feedback_export.html").render(
        title="Feedback",
        urgent=None,
        why=why,
        studies=studies,
        agreements=agreements,
        disagreed_address=disagreed_address(),
    )
    return HTMLResponse(html, status_code=409)


def _archive(settings: Settings, agreements: bool) -> IO[bytes] | None:
    """Let the command line write the set, and pack it into a file without a name.

    Returns
    -------
    None when the command line refused to.
    """
    with tempfile.TemporaryDirectory(prefix="firstread-feedback-") as temporary:
        folder = Path(temporary) / "cases"
        words = ["feedback", "export", str(folder), *(["--agreements"] if agreements else [])]
        try:
            subprocess.run(
                command(*words),
                env=environment_of(settings),
                capture_output=True,
                timeout=_LIMIT_S,
                check=True,
            )
        except subprocess.SubprocessError as error:  # it ended with a reason, or took too long
            _log.error("feedback_export_failed", error_kind=type(error).__name__)
            return None
        packed = tempfile.TemporaryFile()  # noqa: SIM115 gone when it is closed, however that comes
        with ZipFile(packed, "w", ZIP_DEFLATED) as archive:
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    archive.write(path, Path("cases") / path.relative_to(folder))
    packed.seek(0)
    return packed


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(_PIECE_BYTES):
            yield piece
