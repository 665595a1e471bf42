"""Writes an audit event for what people do at the page, whichever route answers them.

It hangs on the route and not on the code behind it, so that a page that is added later is
recorded too: everything that names a study by `study_instance_uid`, `result_id` or `job_id` in
its address. An answer is held back until its event is written; no event, no answer.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from database.accounts.audit import Actor, StudyReference, record_audit, study_reference
from database.session import Engine, transaction
from radiology.errors import DatabaseUnavailable
from worklist.access.request_guard import is_dicomweb
from worklist.page.current_reader import current_reader
from worklist.page.http_errors import ErrorPages

_NAMES = {
    ("GET", "/"): "worklist_opened",
    ("GET", "/administration"): "administration_opened",
    ("GET", "/studies/{study_instance_uid}"): "study_opened",
    ("GET", "/live/studies/{study_instance_uid}"): "study_followed",
    ("GET", "/pictures/{result_id}"): "picture_opened",
    ("GET", "/pictures/{result_id}/heat"): "picture_opened",
}
# Part of the list, which is recorded itself; and what is recorded where it happens or leads.
_SILENT = (
    "/pictures/{result_id}/thumbnail",
    "/live/worklist",
    "/live/administration",
    "/list/search",
    "/studies/{study_instance_uid}/next",
)
_SILENT_BELOW = (
    *("/sign-in", "/sign-out", "/account", "/static", "/health", "/metrics", "/favicon.ico"),
    "/ohif",  # files of a viewer; what it shows is retrieved, and that is recorded
)
_SLICES = "/results/{result_id}/slices"  # what the viewer of the study page fetches
_ALWAYS = frozenset({"study_opened", "study_changed", "data_exported", "not_allowed"})
_ONCE_IN = timedelta(minutes=5)  # a reader who scrolls through 300 slices makes one event
_REMEMBERED = 10_000


def actor_of(request: Request) -> Actor:
    """Who sent a request, for an audit event."""
    reader = current_reader(request)
    roles = ",".join(sorted(role.value for role in reader.roles))
    return Actor(reader.name, roles, address_of(request))


def address_of(request: Request) -> str:
    """Where a request came from; "" when that cannot be said, as in tests."""
    return request.client.host if request.client else ""


class AuditTrail:
    """ASGI middleware: records what was answered, before the answer goes out."""

    def __init__(
        self, app: ASGIApp, *, engine: Engine, clock: Callable[[], datetime], pages: ErrorPages
    ) -> None:
        self._app = app
        self._engine = engine
        self._clock = clock
        self._pages = pages
        self._recorded: OrderedDict[tuple[str, ...], datetime] = OrderedDict()
        self._writing: dict[tuple[str, ...], asyncio.Future[None]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refused = False

        async def send_recorded(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start":
                try:
                    await self._record(scope, message["status"])
                except DatabaseUnavailable:
                    refused = True
                    await self._pages.page("database_unavailable")(scope, receive, send)
            if not refused:
                await send(message)

        await self._app(scope, receive, send_recorded)

    async def _record(self, scope: Scope, status: int) -> None:
        pattern = getattr(scope.get("route"), "path", "")
        parameters = scope.get("path_params", {})
        name = _name_of(scope["method"], pattern, status, of_study=bool(_study_of(parameters)))
        if name is None:
            return
        actor = actor_of(Request(scope))
        now = self._clock()
        # A viewer fetches a study in hundreds of requests: they are one thing that somebody did.
        by_viewer = is_dicomweb(pattern) or pattern.startswith(_SLICES)
        what = (_study_of(parameters),) if by_viewer else (pattern, *parameters.values())
        key = (name, *map(str, what), actor.reader, actor.address)
        write = partial(self._write, name, now, actor, pattern, parameters)
        if name in _ALWAYS:
            await run_in_threadpool(write)
        elif self._is_new(key, now):
            # A viewer asks for many things at once: all of them wait for the one event.
            if key not in self._writing:
                self._writing[key] = asyncio.ensure_future(self._record_once(key, now, write))
            await asyncio.shield(self._writing[key])

    async def _record_once(
        self, key: tuple[str, ...], now: datetime, write: Callable[[], None]
    ) -> None:
        """Write an event; whoever comes later finds it written, or still being written."""
        try:
            await run_in_threadpool(write)
            self._recorded[key] = now
            while len(self._recorded) > _REMEMBERED:
                self._recorded.popitem(last=False)
        finally:
            del self._writing[key]

    def _is_new(self, key: tuple[str, ...], now: datetime) -> bool:
        before = self._recorded.get(key)
        return before is None or not timedelta() <= now - before < _ONCE_IN

    def _write(
        self, name: str, now: datetime, actor: Actor, pattern: str, parameters: Mapping[str, Any]
    ) -> None:
        with transaction(self._engine) as session:
            wanted = _study_of(parameters)
            study = study_reference(session, **wanted) if wanted else None
            named = wanted.get("study_instance_uid")
            if study is None and named is not None and name != "not_allowed":
                study = StudyReference(named, "")  # removed meanwhile: it was shown all the same
            record_audit(
                session,
                name,
                now,
                actor,
                succeeded=name != "not_allowed",
                study=study,
                route=pattern,
            )


def _name_of(method: str, pattern: str, status: int, *, of_study: bool) -> str | None:
    """The event of an answer; None where there is none."""
    if not pattern or pattern in _SILENT or pattern.startswith(_SILENT_BELOW):
        return None
    if status == 403:
        return "not_allowed"
    if status >= 400:
        return None
    if is_dicomweb(pattern):
        return _name_of_dicomweb(method, pattern)
    if (method, pattern) in _NAMES:
        return _NAMES[method, pattern]
    if "export" in pattern or "download" in pattern:
        return "data_exported"
    if method in ("GET", "HEAD"):
        return "study_data_read" if of_study else "page_used"
    return "study_changed" if of_study else "page_used"


def _name_of_dicomweb(method: str, pattern: str) -> str | None:
    """The event of a transaction of PS3.18; storing records its own, for each study."""
    if method == "POST":
        return None
    searched = pattern.endswith(("/studies", "/series", "/instances"))
    return "studies_searched" if searched else "study_retrieved"


def _study_of(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """What names the study in the address of a route."""
    if "study_instance_uid" in parameters:
        return {"study_instance_uid": str(parameters["study_instance_uid"])}
    for name in ("result_id", "job_id"):
        if str(parameters.get(name, "")).isdecimal():
            return {name: int(parameters[name])}
    return {}
