"""The page of one study, and the clinical values that are entered on it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Header, HTTPException, Request
from starlette.datastructures import UploadFile
from starlette.responses import HTMLResponse, RedirectResponse, Response

from database.results.facts import study_id_of
from database.session import Session, query, transaction
from database.studies.clinical_values import RecordedValues, clinical_values, record_clinical_values
from database.studies.opened_studies import opened_lately, record_opened
from radiology.errors import ClinicalValuesRefused
from radiology.identity import checked_uid
from settings.log_events import get_logger
from worklist.page.chosen_bundle import ChosenBundle, with_bundle
from worklist.page.current_reader import CurrentReader
from worklist.page.not_found import StudyNotFound
from worklist.page.screens import PageContext
from worklist.study.clinical_form import MOST_BYTES, ClinicalForm, Typed, clinical_form, typed
from worklist.study.screen import study_screen

_log = get_logger("worklist")
_THROUGH = "page"
_MOST_FIELDS = 60


async def _posted(request: Request) -> Typed:
    """What came with the form; status 400 for what is none, or far too long for one."""
    length = request.headers.get("content-length", "")
    if not length.isdecimal() or int(length) > MOST_BYTES:
        raise HTTPException(400)
    form = await request.form(max_fields=_MOST_FIELDS, max_files=0)
    return typed({name: one for name, one in form.items() if not isinstance(one, UploadFile)})


PostedValues = Annotated[Typed, Depends(_posted)]


def study_routes(context: PageContext) -> APIRouter:
    """`GET /studies/{study_instance_uid}` and `POST …/clinical-values`."""
    router = APIRouter(prefix="/studies/{study_instance_uid}")

    def write(uid: str, form: ClinicalForm, *, bundle: str = "", status: int = 200) -> HTMLResponse:
        screen = study_screen(context, uid, bundle)
        html = context.templates.get_template("study/study.html").render(
            screen=screen,
            title=screen.title,
            urgent=screen.urgent,
            live=with_bundle(f"/live/studies/{uid}", bundle),
            form=form,
            uid=uid,
        )
        return HTMLResponse(html, status_code=status)

    @router.get("")
    def study(
        study_instance_uid: str,
        reader: CurrentReader,
        bundle: ChosenBundle = "",
        purpose: Annotated[str, Header(alias="Sec-Purpose")] = "",
    ) -> HTMLResponse:
        uid = checked_uid(study_instance_uid, "StudyInstanceUID")
        now = context.clock()
        with query(context.engine) as session:
            study_id = _known(session, uid)
            recorded = clinical_values(session, study_id)
            lately = opened_lately(session, study_id, reader.name, now)
        # What a browser fetches in advance nobody has opened yet.
        if not lately and "prefetch" not in purpose:
            with transaction(context.engine) as session:
                record_opened(session, study_id, reader.name, now)
        return write(uid, clinical_form(recorded), bundle=bundle)

    @router.post("/clinical-values")
    def enter(study_instance_uid: str, posted: PostedValues, reader: CurrentReader) -> Response:
        uid = checked_uid(study_instance_uid, "StudyInstanceUID")
        try:
            with transaction(context.engine) as session:
                study_id = _known(session, uid)
                seen = _seen(session, study_id, posted)
                changes = posted.changes(seen)
                record_clinical_values(
                    session, study_id, changes, reader.name, _THROUGH, context.clock()
                )
        except ClinicalValuesRefused as error:
            with query(context.engine) as session:
                recorded = clinical_values(session, _known(session, uid))
            return write(uid, clinical_form(recorded, posted, error.problems), status=422)
        _log.info("clinical_values_entered", study_id=study_id, fields=len(changes))
        return RedirectResponse(f"/studies/{uid}#severity", status_code=303)

    return router


def _seen(session: Session, study_id: int, posted: Typed) -> RecordedValues:
    """The values that the form was filled from: what differs from them, the person changed."""
    return clinical_values(session, study_id, up_to=posted.entry_id)


def _known(session: Session, uid: str) -> int:
    study_id = study_id_of(session, uid)
    if study_id is None:
        raise StudyNotFound
    return study_id
