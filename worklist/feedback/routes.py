"""The routes of readers' feedback on a result."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, HTTPException
from fastapi import Path as PathParameter
from starlette.responses import RedirectResponse, Response

from database.feedback.given import give_feedback
from database.session import transaction
from radiology.feedback import Fault, Judgement, Opinion
from settings.log.log_events import get_logger
from worklist.page.chosen_bundle import ChosenBundle, with_bundle
from worklist.page.current_reader import CurrentReader
from worklist.page.kept_list import KeptList, with_list
from worklist.page.screens import PageContext

_log = get_logger("worklist")
_ResultId = Annotated[int, PathParameter(ge=1, le=2**31 - 1)]
_MOST_SENT = 8000  # characters of a field; what a comment may have is said where it is checked


def feedback_routes(context: PageContext) -> APIRouter:
    """`POST /results/{result_id}/feedback`; back to the study."""
    router = APIRouter()

    @router.post("/results/{result_id}/feedback")
    def give(
        result_id: _ResultId,
        reader: CurrentReader,
        judgement: Annotated[Judgement, Form()],
        fault: Annotated[list[Fault], Form(default_factory=list, max_length=len(Fault))],
        comment: Annotated[str, Form(max_length=_MOST_SENT)] = "",
        bundle: ChosenBundle = "",
        kept: KeptList = "",
    ) -> Response:
        # Browsers send the end of a line as two characters, and count it as one.
        opinion = Opinion(judgement, frozenset(fault), comment.replace("\r\n", "\n"))
        with transaction(context.engine) as session:
            uid = give_feedback(
                session, result_id, opinion, reader=reader.name, now=context.clock()
            )
        if uid is None:
            raise HTTPException(404)
        _log.info("feedback_given", result_id=result_id, judgement=judgement.value)
        address = with_list(with_bundle(f"/studies/{uid}", bundle), kept)
        return RedirectResponse(f"{address}#h-feedback", status_code=303)

    return router
