"""Light or dark: the reader's choice, kept as that of the language is; else what the system says.

The browser tells a style sheet what its system prefers, and tells the server nothing: without a
choice the page says no theme, and `worklist.css` follows `prefers-color-scheme`.
"""

from __future__ import annotations

from contextvars import ContextVar
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from worklist.words.language_choice import KEPT_FOR_S, page_again

COOKIE = "firstread_theme"


class Theme(StrEnum):
    """How the page looks."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


_current: ContextVar[Theme] = ContextVar("theme of the request", default=Theme.SYSTEM)


def current_theme() -> Theme:
    """The theme of the request that is being answered."""
    return _current.get()


class ThemeChoice:
    """ASGI middleware: every page of an answer, also that of an error, has the reader's theme."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http":
            _current.set(_chosen(Headers(scope=scope)))
        await self._app(scope, receive, send)


def theme_routes() -> APIRouter:
    """`POST /theme`: keep a choice in the browser; back to the page that it came from."""
    router = APIRouter()

    @router.post("/theme")
    def choose(request: Request, theme: Annotated[Theme, Form()]) -> RedirectResponse:
        answer = RedirectResponse(page_again(request), status_code=303)
        # Lax: a study that is opened from PACS or RIS must not flash white in a dark room.
        answer.set_cookie(COOKIE, theme.value, max_age=KEPT_FOR_S, httponly=True, samesite="lax")
        return answer

    return router


def _chosen(headers: Headers) -> Theme:
    chosen = cookie_parser(headers.get("cookie", "")).get(COOKIE)
    return Theme(chosen) if chosen in set(Theme) else Theme.SYSTEM
