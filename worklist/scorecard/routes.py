"""`GET /scorecard` and `/scorecard.json`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query
from starlette.responses import HTMLResponse, JSONResponse

from evaluation.waiting.queue_replay import Order
from worklist.list.query import disagreed_address
from worklist.page.current_reader import CurrentReader, Role
from worklist.page.screens import PageContext
from worklist.scorecard.figures import ReadingRoom
from worklist.scorecard.screen import (
    ORDER_WORDS,
    USUAL_DAYS,
    Scorecard,
    ScorecardQuery,
    make_scorecard,
    order_chart,
    times_chart,
)
from worklist.scorecard.site_days import LONGEST_DAYS, site_days

READERS, READING_MIN, LIMIT_MIN = 1, 10.0, 240.0
_Text = Annotated[str, Query(max_length=64)]


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the address says; an empty field of the form counts as none."""

    first: _Text = ""
    last: _Text = ""
    scanner: _Text = ""
    readers: Annotated[int, Query(ge=1, le=100)] = READERS
    reading: Annotated[float, Query(gt=0, le=600)] = READING_MIN
    limit: Annotated[float, Query(ge=0, le=10_000)] = LIMIT_MIN


_Query = Annotated[_Asked, Depends()]


def scorecard_routes(context: PageContext) -> APIRouter:
    """The scorecard as a page and as JSON, both for the same addresses."""
    router = APIRouter()

    def make(asked: _Asked) -> Scorecard:
        days = site_days(
            _day(asked.first),
            _day(asked.last),
            now=context.clock(),
            zone=context.settings.zone,
            usual_days=USUAL_DAYS,
        )
        if days is None:
            raise HTTPException(400)
        room = ReadingRoom(asked.readers, asked.reading * 60.0, asked.limit * 60.0)
        query = ScorecardQuery(days, asked.scanner or None, room)
        return make_scorecard(context.engine, context.settings, query)

    @router.get("/scorecard", response_class=HTMLResponse)
    def page(asked: _Query, reader: CurrentReader) -> str:
        card = make(asked)
        return context.templates.get_template("scorecard/scorecard.html").render(
            **_values(card), may_export=reader.may(Role.ADMINISTRATOR)
        )

    @router.get("/scorecard.json")
    def as_json(asked: _Query, _reader: CurrentReader) -> JSONResponse:
        return JSONResponse(make(asked).entries(), headers={"Cache-Control": "no-store"})

    return router


def _values(card: Scorecard) -> dict[str, Any]:
    return {
        "title": "Scorecard",
        "urgent": None,
        "card": card,
        "charts": {one.measure.key: times_chart(card, one) for one in card.measures},
        "what_ifs": [
            ("analysis", "Analysis queue", card.analysis, order_chart(card.analysis)),
            ("reading", "Reading room", card.reading, order_chart(card.reading)),
        ],
        "orders": [(order, ORDER_WORDS[order]) for order in Order],
        "longest_days": LONGEST_DAYS,
        "disagreed_address": disagreed_address(card.query.scanner or ""),
    }


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise HTTPException(400) from error
