"""The pages, their live updates, and the buttons that try something again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, HTTPException
from fastapi import Path as PathParameter
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse

from database.deliveries import retry_deliveries
from database.requeue import retry_job
from database.session import Session, transaction
from database.worklist_rows import study_of_job
from radiology.identity import checked_uid
from settings.log_events import get_logger
from worklist.administration_screen import administration_screen
from worklist.current_reader import Administrator
from worklist.list_screen import ListQuery, Show, list_screen, position_text, read_position
from worklist.live import LiveScreens
from worklist.screens import PageContext, Screen
from worklist.study_screen import study_screen

_log = get_logger("worklist")
JobId = Annotated[int, PathParameter(ge=1, le=2**31 - 1)]


def page_routes(context: PageContext) -> APIRouter:
    """`GET /`, `/studies/{study_instance_uid}` and `/administration`."""
    router = APIRouter(default_response_class=HTMLResponse)

    def write(template: str, screen: Screen, live: str) -> str:
        return context.templates.get_template(template).render(
            screen=screen, title=screen.title, urgent=screen.urgent, live=live
        )

    @router.get("/")
    def worklist(show: Show | None = None, after: str | None = None) -> str:
        query = _list_query(show, after)
        return write("list.html", list_screen(context, query), f"/live/worklist{_address(query)}")

    @router.get("/studies/{study_instance_uid}")
    def study(study_instance_uid: str) -> str:
        uid = checked_uid(study_instance_uid, "StudyInstanceUID")
        return write("study.html", study_screen(context, uid), f"/live/studies/{uid}")

    @router.get("/administration")
    def administration(_administrator: Administrator) -> str:
        return write("administration.html", administration_screen(context), "/live/administration")

    return router


def live_routes(context: PageContext, live: LiveScreens) -> APIRouter:
    """The same screens as streams of changes."""
    router = APIRouter(prefix="/live")

    def stream(name: str, build: Callable[[], Screen]) -> StreamingResponse:
        return StreamingResponse(live.stream(name, build), media_type="text/event-stream")

    @router.get("/worklist")
    async def worklist(show: Show | None = None, after: str | None = None) -> StreamingResponse:
        query = _list_query(show, after)
        return stream(f"worklist {query!r}", lambda: list_screen(context, query))

    @router.get("/studies/{study_instance_uid}")
    async def study(study_instance_uid: str) -> StreamingResponse:
        uid = checked_uid(study_instance_uid, "StudyInstanceUID")
        return stream(f"study {uid}", lambda: study_screen(context, uid))

    @router.get("/administration")
    async def administration(_administrator: Administrator) -> StreamingResponse:
        return stream("administration", lambda: administration_screen(context))

    return router


def retry_routes(context: PageContext) -> APIRouter:
    """`POST /jobs/{job_id}/retry` and `/jobs/{job_id}/deliveries/retry`; back to the study."""
    router = APIRouter(prefix="/jobs/{job_id}")

    @router.post("/retry")
    def retry(job_id: JobId) -> Response:
        with transaction(context.engine) as session:
            uid = _study_uid(session, job_id)
            if not retry_job(session, job_id, context.clock()):
                raise HTTPException(409)
        _log.info("job_retried", job_id=job_id)
        return RedirectResponse(f"/studies/{uid}", status_code=303)

    @router.post("/deliveries/retry")
    def send_again(job_id: JobId) -> Response:
        now = context.clock()
        with transaction(context.engine) as session:
            study = study_of_job(session, job_id)
            if study is None or not (count := retry_deliveries(session, job_id, now)):
                raise HTTPException(404 if study is None else 409)
        _log.info("deliveries_retried", job_id=job_id, count=count)
        return RedirectResponse(f"/studies/{study.study_instance_uid}", status_code=303)

    return router


def _study_uid(session: Session, job_id: int) -> str:
    study = study_of_job(session, job_id)
    if study is None:
        raise HTTPException(404)
    return study.study_instance_uid


def _list_query(show: Show | None, after: str | None) -> ListQuery:
    position = read_position(after) if after else None
    if after and position is None:
        raise HTTPException(400)
    return ListQuery(show, position)


def _address(query: ListQuery) -> str:
    given = {
        "show": query.show.value if query.show else "",
        "after": position_text(query.after) if query.after else "",
    }
    text = "&".join(f"{name}={value}" for name, value in given.items() if value)
    return f"?{text}" if text else ""
