"""The next study to read, by the list as its reader has filtered it.

A study is unread while nobody has opened it since its last image came, and there is an answer to
judge. The first one in the order of the list comes next: what became urgent meanwhile goes before
what stood beneath. Where the filter asks for studies that were opened or judged, or for those in
progress, the one that follows in the list is next, whatever was done with it.
"""

from __future__ import annotations

from dataclasses import replace

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse

from database.listed.sort_keys import SortKey
from database.session import Session, query
from database.states import WorklistRank
from database.views.worklist.list_order import Lane, due_at
from database.views.worklist.list_page import sorted_page, worklist_page
from database.views.worklist.list_search import find_studies
from database.views.worklist.worklist_facts import Position, StudyFacts, WorklistRow
from database.views.worklist.worklist_rows import study_by_uid
from radiology.identity import checked_uid
from worklist.list.own_list import with_search
from worklist.list.query import Asked, FeedbackChoice, ListQuery, Seen, Show
from worklist.page.current_reader import CurrentReader
from worklist.page.kept_list import with_list
from worklist.page.not_found import StudyNotFound
from worklist.page.screens import PageContext


def next_routes(context: PageContext) -> APIRouter:
    """`GET /studies/{study_instance_uid}/next?…`, the query being that of the list."""
    router = APIRouter()

    @router.get("/studies/{study_instance_uid}/next")
    def go_on(
        study_instance_uid: str, asked: Asked, reader: CurrentReader, request: Request
    ) -> RedirectResponse:
        uid = checked_uid(study_instance_uid, "StudyInstanceUID")
        sought = with_search(context, asked, reader)
        with query(context.engine) as session:
            study = study_by_uid(session, uid)
            if study is None:
                raise StudyNotFound
            following = next_study(session, context, sought, study)
        kept = request.url.query
        if following is None:
            return RedirectResponse(with_list(f"/studies/{uid}", kept) + "#none-left", 303)
        return RedirectResponse(with_list(f"/studies/{following}", kept), 303)

    return router


def next_study(
    session: Session, context: PageContext, asked: ListQuery, study: StudyFacts
) -> str | None:
    """The UID of the study to read after this one; None when none is left."""
    order, now = context.settings.worklist_order, context.clock()
    names = context.settings.worklist_list.patient_names
    if asked.found or asked.search:
        found = find_studies(session, asked.search, now, names=names and bool(asked.found))
        unread = [one.study for one in found if not one.study.opened and _is_answered(one.study)]
        return _first(unread, study)
    on_from_here = _asks_for_what_was_seen(asked)
    only = asked.only(order, now)
    if not on_from_here:
        only = replace(only, opened=False, but_for=WorklistRank.PENDING)
    rows: tuple[WorklistRow, ...]
    if asked.sort is not None and (names or asked.sort.key is not SortKey.NAME):
        after = study.id if on_from_here else None
        rows = sorted_page(session, asked.sort, now, only=only, after=after, length=2).rows
    else:
        lane = Lane(study.worklist_rank, study.opened, study.acknowledged)
        here = Position(due_at(lane, study.received_at, order), study.id)
        place = here if on_from_here else None
        rows = worklist_page(session, order, now, only=only, after=place, length=2).rows
    return _first([row.study for row in rows], study)


def _asks_for_what_was_seen(asked: ListQuery) -> bool:
    """Whether the reader looks through studies that nobody waits for any more, or not yet."""
    judged = asked.feedback not in (None, FeedbackChoice.NOT_JUDGED)
    return asked.opened is Seen.OPENED or judged or asked.show is Show.PENDING


def _is_answered(study: StudyFacts) -> bool:
    return study.worklist_rank is not WorklistRank.PENDING


def _first(studies: list[StudyFacts], but_for: StudyFacts) -> str | None:
    return next((one.study_instance_uid for one in studies if one.id != but_for.id), None)
