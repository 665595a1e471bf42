"""The administrator's buttons: failed jobs again, all of a destination again, a peer asked."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException
from fastapi import Path as PathParameter
from starlette.responses import RedirectResponse, Response

from database.deliveries.destinations import go_on, retry_destination
from database.jobs.requeue import retry_failed_jobs
from database.session import transaction
from database.views.administration_rows import record_echo
from database.work_items.notifications import go_on_reporting
from dicom_node.request.ask_peer import ask_peer
from settings.flags import NAME_PATTERN
from settings.log.log_events import get_logger
from worklist.page.current_reader import Administrator
from worklist.page.screens import PageContext

_log = get_logger("worklist")


def administration_routes(context: PageContext) -> APIRouter:
    """`POST /administration/` `jobs/retry`, `destinations/{name}/retry` and `peers/{name}/echo`."""
    router = APIRouter(prefix="/administration")

    @router.post("/jobs/retry")
    def retry_all(administrator: Administrator) -> Response:
        with transaction(context.engine) as session:
            count = retry_failed_jobs(session, context.clock(), by=administrator.name)
            if not count:
                raise HTTPException(409)
        _log.info("jobs_retried", count=count, reader=administrator.name)
        return RedirectResponse("/administration#h-failed", status_code=303)

    @router.post("/destinations/{name}/retry")
    def send_all_again(
        name: Annotated[str, PathParameter(pattern=NAME_PATTERN)], administrator: Administrator
    ) -> Response:
        with transaction(context.engine) as session:
            count = retry_destination(session, name, context.clock())
            if not count:
                raise HTTPException(409)
        _log.info("deliveries_retried", destination=name, count=count, reader=administrator.name)
        return RedirectResponse("/administration#h-open", status_code=303)

    @router.post("/peers/{name}/echo")
    def echo(name: str, administrator: Administrator) -> Response:
        # A function of its own thread: a peer that hangs holds up nobody else.
        peer = next((one for one in context.settings.peers if one.name == name), None)
        if peer is None or not peer.has_address:
            raise HTTPException(404)
        answer = ask_peer(peer, calling_ae_title=context.settings.ae_title, clock=context.clock)
        with transaction(context.engine) as session:
            record_echo(session, peer.name, answer)
            if not answer.error_kind:  # what waits for it need not wait for its next attempt
                go_on(session, peer.name, answer.asked_at)
                go_on_reporting(session, peer.ae_title, answer.asked_at)
        _log.info(
            "peer_asked", peer=peer.name, error_kind=answer.error_kind, reader=administrator.name
        )
        return RedirectResponse("/administration#h-peers", status_code=303)

    return router
