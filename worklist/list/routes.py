"""`GET /`, searches, and the forms with which readers make the list their own."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi import Path as PathParameter
from starlette.responses import HTMLResponse, RedirectResponse, Response

from database.accounts.audit import StudyReference, record_audit
from database.listed.reader_lists import (
    choose_columns,
    delete_filter,
    owner_of,
    rename_filter,
    save_filter,
    show_first,
)
from database.listed.searches import keep_search
from database.session import query, transaction
from database.views.worklist.list_search import find_studies
from worklist.access.audit_trail import actor_of
from worklist.access.cookies import new_token
from worklist.list.columns import Column, column_heads, read_columns
from worklist.list.own_list import own_lines, own_list, saved_address, with_search
from worklist.list.query import LONGEST_SEARCH, Asked, ListQuery, query_from
from worklist.list.screen import list_screen
from worklist.page.current_reader import CurrentReader, PageReader
from worklist.page.screens import PageContext

FilterId = Annotated[int, PathParameter(ge=1, le=2**31 - 1)]
_Name = Annotated[str, Form(max_length=200)]
_Address = Annotated[str, Form(max_length=1000)]


def list_routes(context: PageContext) -> APIRouter:
    """The list, and the search in it."""
    router = APIRouter(default_response_class=HTMLResponse)

    @router.get("/")
    def worklist(request: Request, asked: Asked, reader: CurrentReader) -> str:
        own = own_list(context, reader)
        if not request.url.query:
            asked = own.first or asked
        shown = with_search(context, asked, reader)
        screen = list_screen(context, shown, own.columns)
        columns = ",".join(own.columns)
        return context.templates.get_template("list/list.html").render(
            screen=screen,
            title=screen.title,
            urgent=screen.urgent,
            heads=column_heads(shown, own.columns),
            own=own_lines(context, own, shown),
            live=f"/live/worklist{asked.address()}&columns={columns}",
        )

    @router.post("/list/search")
    def search(
        request: Request,
        reader: CurrentReader,
        q: Annotated[str, Form(max_length=LONGEST_SEARCH)] = "",
    ) -> Response:
        sought = q.replace("\x00", "").strip()
        if not sought:
            return RedirectResponse("/", status_code=303)
        token = new_token()
        _search(context, request, reader, sought, token)
        return RedirectResponse(f"/{ListQuery(found=token).address()}", status_code=303)

    return router


def own_list_routes(context: PageContext) -> APIRouter:
    """Choosing columns; saving, renaming and deleting filters; which of them comes first."""
    router = APIRouter(prefix="/list")

    @router.post("/columns")
    def columns(
        reader: CurrentReader,
        back: _Address = "",
        column: Annotated[list[Column] | None, Form()] = None,
        reset: Annotated[bool, Form()] = False,
    ) -> Response:
        names = context.settings.worklist_list.patient_names
        chosen = read_columns(column or [], patient_names=names)
        with transaction(context.engine) as session:
            choose_columns(session, owner_of(session, reader.name), None if reset else chosen)
        return _back(back)

    @router.post("/filters")
    def save(reader: CurrentReader, name: _Name, back: _Address = "") -> Response:
        with transaction(context.engine) as session:
            save_filter(session, owner_of(session, reader.name), name, _checked(back))
        return _back(back)

    @router.post("/filters/{filter_id}/rename")
    def rename(
        filter_id: FilterId, reader: CurrentReader, name: _Name, back: _Address = ""
    ) -> Response:
        with transaction(context.engine) as session:
            _require(rename_filter(session, owner_of(session, reader.name), filter_id, name))
        return _back(back)

    @router.post("/filters/{filter_id}/delete")
    def delete(filter_id: FilterId, reader: CurrentReader, back: _Address = "") -> Response:
        with transaction(context.engine) as session:
            _require(delete_filter(session, owner_of(session, reader.name), filter_id))
        return _back(back)

    @router.post("/filters/{filter_id}/first")
    def first(
        filter_id: FilterId,
        reader: CurrentReader,
        back: _Address = "",
        first: Annotated[bool, Form()] = True,
    ) -> Response:
        with transaction(context.engine) as session:
            owner = owner_of(session, reader.name)
            _require(show_first(session, owner, filter_id if first else None))
        return _back(back)

    return router


def _search(
    context: PageContext, request: Request, reader: PageReader, sought: str, token: str
) -> None:
    """Keep a search under its token, and who searched: not what for, since that may be a name.

    Where all that was found is of one patient, the event names them, and the first study. Nothing
    is answered before the event is written.
    """
    now, names = context.clock(), context.settings.worklist_list.patient_names
    with query(context.engine) as session:
        found = [row.study for row in find_studies(session, sought, now, names=names)]
    patients = {study.patient_id for study in found}
    one = found[0] if len(patients) == 1 and "" not in patients else None
    with transaction(context.engine) as session:
        keep_search(session, owner_of(session, reader.name), token, sought, now)
        record_audit(
            session,
            "worklist_searched",
            now,
            actor_of(request),
            study=StudyReference(one.study_instance_uid, one.patient_id) if one else None,
            route="/list/search",
            names=names,
            found=len(found),
        )


def _checked(address: str) -> str:
    asked = query_from(address)
    if asked is None:
        raise HTTPException(400)
    return saved_address(asked)


def _back(address: str) -> Response:
    """To the list that the form was sent from; whatever else it names, to the whole list."""
    asked = query_from(address) or ListQuery()
    return RedirectResponse(f"/{asked.address()}", status_code=303)


def _require(there: bool) -> None:
    if not there:
        raise HTTPException(404)
