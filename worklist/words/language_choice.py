"""Which language a request is answered in: the reader's choice, else the site's setting."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Request
from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import RedirectResponse
from starlette.routing import Match
from starlette.types import ASGIApp, Receive, Scope, Send

from radiology.language import Language
from worklist.words.translations import use_language

COOKIE = "firstread_language"
KEPT_FOR_S = 365 * 24 * 3600


class LanguageChoice:
    """ASGI middleware: whatever is answered speaks the language of the request."""

    def __init__(self, app: ASGIApp, language: Language) -> None:
        self._app = app
        self._language = language

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http":
            use_language(_chosen(Headers(scope=scope)) or self._language)
        await self._app(scope, receive, send)


def language_routes() -> APIRouter:
    """`POST /language`: keep a choice in the browser; back to the page that it came from."""
    router = APIRouter()

    @router.post("/language")
    def choose(request: Request, language: Annotated[Language, Form()]) -> RedirectResponse:
        answer = RedirectResponse(page_again(request), status_code=303)
        answer.set_cookie(
            COOKIE, language.value, max_age=KEPT_FOR_S, httponly=True, samesite="strict"
        )
        return answer

    return router


def page_again(request: Request) -> str:
    """The page that a choice was made on; the list when it answered a form and cannot be shown."""
    address = page_before(request.headers)
    asked = {"type": "http", "method": "GET", "path": address.partition("?")[0]}
    shown = any(route.matches(asked)[0] is Match.FULL for route in request.app.routes)
    return address if shown else "/"


def page_before(headers: Headers) -> str:
    """The path that a form was sent from; the list when it is not a page of ours."""
    try:
        before = urlsplit(headers.get("referer", ""))
    except ValueError:
        return "/"
    path = before.path
    # "//elsewhere" and "/\elsewhere" are other sites to a browser
    if before.netloc != headers.get("host") or path.startswith("//") or "\\" in path:
        return "/"
    return (path or "/") + (f"?{before.query}" if before.query else "")


def _chosen(headers: Headers) -> Language | None:
    chosen = cookie_parser(headers.get("cookie", "")).get(COOKIE)
    return Language(chosen) if chosen in set(Language) else None
