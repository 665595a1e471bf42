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
from database.views.worklist.opened import note_open
from radiology.errors import ClinicalValuesRefused
from radiology.identity import checked_uid
from settings.log.log_events import get_logger
from worklist.page.chosen_bundle import ChosenBundle, with_bundle
from worklist.page.current_reader import CurrentReader, PageReader
from worklist.page.kept_list import KeptList, list_address, with_list
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

    def write(
        uid: str,
        form: ClinicalForm,
        reader: PageReader,
        *,
        bundle: str = "",
        kept: str = "",
        status: int = 200,
    ) -> HTMLResponse:
        screen = study_screen(context, uid, bundle, kept, reader.name)
        asked = with_list(with_bundle("", bundle), kept)
        html = context.templates.get_template("study/study.html").render(
            screen=screen,
            title=screen.title,
            urgent=screen.urgent,
            live=f"/live/studies/{uid}{asked}",
            form=form,
            uid=uid,
            asked=asked,
            list_address=list_address(kept),
            next_address=f"/studies/{uid}/next{list_address(kept).removeprefix('/')}",
        )
        return HTMLResponse(html, status_code=status)

    @router.get("")
    def study(
        study_instance_uid: str,
        reader: CurrentReader,
        bundle: ChosenBundle = "",
        kept: KeptList = "",
        purpose: Annotated[str, Header(alias="Sec-Purpose")] = "",
    ) -> HTMLResponse:
        uid = checked_uid(study_instance_uid, "StudyInstanceUID")
        now = context.clock()
        with query(context.engine) as session:
            study_id = _known(session, uid)
            recorded = clinical_values(session, study_id)
            lately = opened_lately(session, study_id, reader.name, now)
        # What a browser fetches in advance nobody has opened yet.
        if "prefetch" not in purpose:
            with transaction(context.engine) as session:
                if not lately:
                    record_opened(session, study_id, reader.name, now)
                note_open(session, study_id, reader.name, now)  # before "next" asks what is unread
        return write(uid, clinical_form(recorded), reader, bundle=bundle, kept=kept)

    @router.post("/clinical-values")
    def enter(
        study_instance_uid: str,
        posted: PostedValues,
        reader: CurrentReader,
        bundle: ChosenBundle = "",
        kept: KeptList = "",
    ) -> Response:
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
            form = clinical_form(recorded, posted, error.problems)
            return write(uid, form, reader, bundle=bundle, kept=kept, status=422)
        _log.info("clinical_values_entered", study_id=study_id, fields=len(changes))
        address = with_list(with_bundle(f"/studies/{uid}", bundle), kept)
        return RedirectResponse(f"{address}#severity", status_code=303)

    return router


def _seen(session: Session, study_id: int, posted: Typed) -> RecordedValues:
    """The values that the form was filled from: what differs from them, the person changed."""
    return clinical_values(session, study_id, up_to=posted.entry_id)


def _known(session: Session, uid: str) -> int:
    study_id = study_id_of(session, uid)
    if study_id is None:
        raise StudyNotFound
    return study_id
