"""Identifies the sender of a request, and stops those who must sign in first.

Where no account exists, and the page is only reachable from this machine, the reader is `local`.
From the first account on everybody has to sign in.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from database.accounts.kept import has_accounts
from database.accounts.reader_sessions import Limits, SignedIn, note_request, session_of
from database.session import Engine, query, transaction
from radiology.errors import DatabaseUnavailable
from settings.page.sign_in import Role, SignIn
from worklist.access.cookies import new_token, session_token, set_visit, visit_token
from worklist.access.machine_sign_in import MachineSignIn, basic_credentials
from worklist.access.request_guard import is_by_program, is_dicomweb, is_signed_call
from worklist.access.sign_in import SignInAnswer
from worklist.page.csrf import put_tokens
from worklist.page.current_reader import AT_THIS_MACHINE, PageReader
from worklist.page.http_errors import ErrorPages
from worklist.page.signed_in import looking

LOOK_EVERY_S = 2.0  # whether the session of a live stream still lasts
_NOTE_EVERY = timedelta(minutes=1)  # a request is noted; not each one, that would be a write each
_SIGNED_OUT = b"event: signed-out\ndata: {}\n\n"
_WITH_TOKENS = ("text/html", "text/event-stream")
_HOW_IT_LOOKS = ("/language", "/theme")  # the buttons for them stand on every page
_FORM_BYTES = 16_384  # of whoever is not signed in yet
FORM_S = 20.0
_TOO_SLOW = "The form came too slowly: send it again.\n"


@dataclass(frozen=True, slots=True)
class _Visitor:
    """Who sent a request. `secret` is what form tokens are made from; None: none are asked for."""

    reader: PageReader | None
    secret: str | None
    session: SignedIn | None = None


def limits_of(sign_in: SignIn) -> Limits:
    """How long a session lasts by the settings."""
    return Limits(
        idle=timedelta(minutes=sign_in.idle_minutes),
        longest=timedelta(hours=sign_in.longest_hours),
    )


class SignInGate:
    """ASGI middleware: puts `reader` and `session` into the request's state, or asks to sign in.

    Parameters
    ----------
    always : sign-in is asked for even where nobody has an account
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        engine: Engine,
        limits: Limits,
        clock: Callable[[], datetime],
        pages: ErrorPages,
        always: bool,
    ) -> None:
        self._app = app
        self._engine = engine
        self._limits = limits
        self._clock = clock
        self._pages = pages
        self._always = always
        self._machines = MachineSignIn(engine, clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "websocket":  # there are none here, and one would pass unasked
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http" or _is_for_everybody(scope["path"]):
            await self._app(scope, receive, send)
            return
        request = HTTPConnection(scope)
        try:
            visitor = await run_in_threadpool(self._visitor, request)
        except DatabaseUnavailable:
            await self._pages.page("database_unavailable")(scope, receive, send)
            return
        if isinstance(visitor, SignInAnswer):
            await self._refuse_machine(visitor)(scope, receive, send)
            return
        fresh_visit = None
        if visitor.reader is not None and _is_out_of_place(visitor.reader, scope["path"]):
            with_tokens = _Answer(send, visitor.secret, request, None)
            await self._pages.page("for_people")(scope, receive, with_tokens)
            return
        if visitor.reader is None:
            known = visit_token(request)
            fresh_visit = None if known else new_token()
            visitor = _Visitor(None, known or fresh_visit)
            if not _is_for_visitors(scope["path"]):
                with_tokens = _Answer(send, visitor.secret, request, fresh_visit)
                await self._ask_to_sign_in(request)(scope, receive, with_tokens)
                return
            if not _is_small(request):
                await self._pages.page("form_too_large")(scope, receive, send)
                return
            whole = await _whole_body(receive)
            if whole is None:
                await PlainTextResponse(_TOO_SLOW, status_code=408)(scope, receive, send)
                return
            receive = whole
        state = scope.setdefault("state", {})
        state.update(reader=visitor.reader, session=visitor.session, csrf_secret=visitor.secret)
        with looking(visitor.reader):
            answer = _Answer(send, visitor.secret, request, fresh_visit)
            if visitor.reader is not None and scope["path"].startswith("/live/"):
                await self._follow(scope, receive, answer, visitor)
            else:
                await self._app(scope, receive, answer)

    def _visitor(self, request: HTTPConnection) -> _Visitor | SignInAnswer:
        """Whoever sent a request; why a program with a password is not let in."""
        visitor = self._look(session_token(request))
        given = basic_credentials(request.headers.get("authorization", ""))
        by_program = is_by_program(request.scope["path"], request.headers)
        if given is None or not by_program or visitor.reader is AT_THIS_MACHINE:
            return visitor
        address = request.client.host if request.client else ""
        found = self._machines.check(*given, address)
        if isinstance(found, SignInAnswer):
            return found
        return _Visitor(PageReader(found.name, frozenset({found.role})), None)

    def _look(self, token: str | None) -> _Visitor:
        now = self._clock()
        with query(self._engine) as session:
            found = session_of(session, token, limits=self._limits, now=now) if token else None
            required = self._always or has_accounts(session)
        if found is not None:
            if now - found.last_seen_at > _NOTE_EVERY:
                with transaction(self._engine) as session:
                    note_request(session, found.session_id, now)
            return _Visitor(PageReader(found.name, frozenset({found.role})), token, found)
        return _Visitor(None if required else AT_THIS_MACHINE, None)

    def _lasts(self, visitor: _Visitor) -> bool:
        """Whether somebody may still see what they saw when they came."""
        try:
            with query(self._engine) as session:
                if visitor.session is None or visitor.secret is None:
                    return not has_accounts(session)
                found = session_of(session, visitor.secret, limits=self._limits, now=self._clock())
        except DatabaseUnavailable:
            return True  # nothing new can be shown either; the stream says so itself
        return found is not None and found.role is visitor.session.role

    async def _follow(
        self, scope: Scope, receive: Receive, answer: _Answer, visitor: _Visitor
    ) -> None:
        """Answer a live stream, and end it when its session ends."""
        answering = asyncio.ensure_future(self._app(scope, receive, answer))
        try:
            while not (await asyncio.wait({answering}, timeout=LOOK_EVERY_S))[0]:
                if not await run_in_threadpool(self._lasts, visitor):
                    break
            else:
                await answering
                return
        finally:
            if not answering.done():
                answering.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await answering
        await answer.end_stream()

    def _refuse_machine(self, answer: SignInAnswer) -> Response:
        """Ask a program for its password (RFC 7617), or to wait."""
        if answer.again_at is not None:
            wait_s = max(1, int((answer.again_at - self._clock()).total_seconds()))
            return PlainTextResponse(
                "There were too many failed attempts: try again later.\n",
                status_code=429,
                headers={"Retry-After": str(wait_s)},
            )
        return PlainTextResponse(
            "Send name and password of an account of Firstread by HTTP Basic.\n",
            status_code=401,
            headers={"WWW-Authenticate": 'Basic realm="Firstread", charset="UTF-8"'},
        )

    def _ask_to_sign_in(self, request: HTTPConnection) -> Response:
        path, method = request.scope["path"], request.scope["method"]
        # A browser would show a window of its own, and send the password from there ever after.
        if is_dicomweb(path) and "sec-fetch-mode" not in request.headers:
            return self._refuse_machine(SignInAnswer())
        if path.startswith("/live/"):  # an EventSource cannot tell a refusal from a lost server
            return Response(_SIGNED_OUT, media_type="text/event-stream")
        if method != "GET" or "text/html" not in Headers(scope=request.scope).get("accept", ""):
            return self._pages.page("sign_in_needed")
        asked = request.scope["query_string"].decode("latin-1")
        wanted = f"{path}?{asked}" if asked else path
        address = "/sign-in" if wanted == "/" else f"/sign-in?{urlencode({'next': wanted})}"
        return RedirectResponse(address, status_code=303)


class _Answer:
    """Sends an answer on: with the tokens of its forms, and with the cookie of a new visit."""

    def __init__(
        self, send: Send, secret: str | None, request: HTTPConnection, fresh_visit: str | None
    ) -> None:
        self._send = send
        self._secret = secret
        self._request = request
        self._fresh_visit = fresh_visit
        self._has_forms = False
        self._is_stream = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            kind = headers.get("content-type", "")
            self._has_forms = kind.startswith(_WITH_TOKENS)
            self._is_stream = kind.startswith("text/event-stream")
            if kind.startswith("text/html"):  # it has forms, if only that of the language
                self._begin_visit(headers)
        elif message["type"] == "http.response.body" and self._has_forms and self._secret:
            body = put_tokens(message.get("body", b""), self._secret)
            message = {**message, "body": body}
        await self._send(message)

    async def end_stream(self) -> None:
        """Tell the browser of a live stream that the session is over."""
        if self._is_stream:
            await self._send({"type": "http.response.body", "body": _SIGNED_OUT})

    def _begin_visit(self, headers: MutableHeaders) -> None:
        # An answer that ends the visit itself says so; it must not be begun again.
        if self._fresh_visit is None or "set-cookie" in headers:
            return
        carrier = Response()
        set_visit(carrier, self._request, self._fresh_visit)
        headers.append("set-cookie", carrier.headers["set-cookie"])


def _is_out_of_place(reader: PageReader, path: str) -> bool:
    """Whether an account for programs asks for a page."""
    only_sends = reader.roles == frozenset({Role.SENDER})
    return only_sends and not is_dicomweb(path) and path not in ("/sign-out", *_HOW_IT_LOOKS)


def _is_small(request: HTTPConnection) -> bool:
    """Whether a request is a form of ours by its size; one that does not say is none."""
    if request.scope["method"] in ("GET", "HEAD"):
        return True
    length = request.headers.get("content-length", "")
    return length.isdecimal() and int(length) <= _FORM_BYTES


async def _whole_body(receive: Receive) -> Receive | None:
    """Gives a small form again that has come whole; None where it comes too slowly."""
    come: list[Message] = []
    try:
        async with asyncio.timeout(FORM_S):
            while not come or (come[-1]["type"] == "http.request" and come[-1].get("more_body")):
                come.append(await receive())
    except TimeoutError:
        return None

    async def again() -> Message:
        return come.pop(0) if come else await receive()

    return again


def _is_for_visitors(path: str) -> bool:
    """Whether whoever is not signed in may ask for it, with a form of their visit."""
    return path in ("/sign-in", "/help", *_HOW_IT_LOOKS) or path.startswith("/sign-in/")


def _is_for_everybody(path: str) -> bool:
    return (
        path in ("/health", "/health/page", "/health/parts", "/metrics", "/favicon.ico")
        or path.startswith("/static/")
        or is_signed_call(path)
    )
