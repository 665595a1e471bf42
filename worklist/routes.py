"""The pages, their live updates, and the buttons for new attempts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from fastapi import Path as PathParameter
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse

from database.deliveries.claimed import retry_deliveries
from database.jobs.requeue import retry_job
from database.session import Session, transaction
from database.views.worklist.opened import note_open, study_id_of
from database.views.worklist.worklist_rows import study_of_job
from radiology.identity import checked_uid
from settings.flags import NAME_PATTERN
from settings.log.log_events import get_logger
from worklist.administration.screen import administration_screen
from worklist.list.columns import read_columns
from worklist.list.own_list import with_search
from worklist.list.query import Asked
from worklist.list.screen import list_screen
from worklist.page.chosen_bundle import ChosenBundle
from worklist.page.current_reader import Administrator, CurrentReader, PageReader
from worklist.page.kept_list import KeptList, back_to
from worklist.page.live import LiveScreens
from worklist.page.screens import PageContext, Screen
from worklist.study.screen import study_screen

_log = get_logger("worklist")
Columns = Annotated[str, Query(max_length=200)]
JobId = Annotated[int, PathParameter(ge=1, le=2**31 - 1)]
Destination = Annotated[str | None, Query(pattern=NAME_PATTERN)]


def page_routes(context: PageContext) -> APIRouter:
    """`GET /administration`; `list_routes` has the list, `study_routes` the page of a study."""
    router = APIRouter(default_response_class=HTMLResponse)

    def write(template: str, screen: Screen, live: str) -> str:
        return context.templates.get_template(template).render(
            screen=screen, title=screen.title, urgent=screen.urgent, live=live
        )

    @router.get("/administration")
    def administration(_administrator: Administrator) -> str:
        return write(
            "administration/administration.html",
            administration_screen(context),
            "/live/administration",
        )

    return router


def live_routes(context: PageContext, live: LiveScreens) -> APIRouter:
    """The same screens as streams of changes."""
    router = APIRouter(prefix="/live")

    def stream(name: str, build: Callable[[], Screen]) -> StreamingResponse:
        return StreamingResponse(live.stream(name, build), media_type="text/event-stream")

    @router.get("/worklist")
    async def worklist(
        asked: Asked, reader: CurrentReader, columns: Columns = ""
    ) -> StreamingResponse:
        names = context.settings.worklist_list.patient_names
        shown = read_columns(columns.split(","), patient_names=names)
        # What was searched for is its reader's own; all else looks the same to everybody.
        whose = reader.name if asked.found else ""
        return stream(
            f"worklist {asked.address()} {','.join(shown)} {whose}",
            lambda: list_screen(context, with_search(context, asked, reader), shown),
        )

    @router.get("/studies/{study_instance_uid}")
    async def study(
        study_instance_uid: str,
        reader: CurrentReader,
        bundle: ChosenBundle = "",
        kept: KeptList = "",
    ) -> StreamingResponse:
        uid = checked_uid(study_instance_uid, "StudyInstanceUID")
        return StreamingResponse(
            live.stream(
                f"study {uid} {bundle} {kept}",
                lambda: study_screen(context, uid, bundle, kept),
                lambda: _note_open(context, uid, reader),
            ),
            media_type="text/event-stream",
        )

    @router.get("/administration")
    async def administration(_administrator: Administrator) -> StreamingResponse:
        return stream("administration", lambda: administration_screen(context))

    return router


def retry_routes(context: PageContext) -> APIRouter:
    """`POST /jobs/{job_id}/retry` and `/jobs/{job_id}/deliveries/retry`; back to the study."""
    router = APIRouter(prefix="/jobs/{job_id}")

    @router.post("/retry")
    def retry(job_id: JobId, request: Request, reader: CurrentReader) -> Response:
        with transaction(context.engine) as session:
            uid = _study_uid(session, job_id)
            if not retry_job(session, job_id, context.clock(), by=reader.name, through="page"):
                raise HTTPException(409)
        _log.info("job_retried", job_id=job_id)
        return RedirectResponse(back_to(request.headers, f"/studies/{uid}"), status_code=303)

    @router.post("/deliveries/retry")
    def send_again(job_id: JobId, request: Request, destination: Destination = None) -> Response:
        now = context.clock()
        with transaction(context.engine) as session:
            study = study_of_job(session, job_id)
            if study is None:
                raise HTTPException(404)
            count = retry_deliveries(session, job_id, now, destination=destination)
            if not count:
                raise HTTPException(409)
        _log.info("deliveries_retried", job_id=job_id, count=count)
        address = back_to(request.headers, f"/studies/{study.study_instance_uid}")
        return RedirectResponse(address, status_code=303)

    return router


def _note_open(context: PageContext, study_instance_uid: str, reader: PageReader) -> None:
    """The page follows its study through a stream, so the stream tells who has it open."""
    with transaction(context.engine) as session:
        study_id = study_id_of(session, study_instance_uid)
        if study_id is not None:
            note_open(session, study_id, reader.name, context.clock())


def _study_uid(session: Session, job_id: int) -> str:
    study = study_of_job(session, job_id)
    if study is None:
        raise HTTPException(404)
    return study.study_instance_uid
