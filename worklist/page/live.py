"""Live updates: server-sent events that carry the parts of a screen that changed.

WHATWG HTML, Section 9.2 (Server-sent events). Every stream reads a cheap token of the database
twice a second. It builds its screen again only when the token has changed, or after a while. What
was looked up is shared between streams, so a hundred open pages cost the database what one does.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

from starlette.concurrency import run_in_threadpool

from database.session import Engine, query
from database.views.upload_rows import upload_changes
from database.views.worklist.opened import HEARTBEAT_S
from database.views.worklist.worklist_rows import change_token
from radiology.errors import DatabaseUnavailable
from worklist.page.not_found import NotFound
from worklist.page.screens import Screen
from worklist.words.translations import current_language

LOOK_EVERY_S = 0.5
LOOK_ANYWAY_S = 5.0  # the token can miss a change: see change_token
ALIVE_EVERY_S = 10.0  # the browser says "not live" when it has heard nothing for three of these
_RECONNECT_MS = 2000


class LiveScreens:
    """The streams of one application.

    Parameters
    ----------
    engine : looked at for changes
    seconds : a clock that only goes forward
    """

    def __init__(self, engine: Engine, seconds: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._seconds = seconds
        self._closing = asyncio.Event()
        self._token = _Shared(LOOK_EVERY_S / 2, seconds)
        self._screens: dict[str, _Shared] = {}

    def close(self) -> None:
        """End every stream, so that the server can stop."""
        self._closing.set()

    async def stream(
        self,
        name: str,
        build: Callable[[], Screen],
        note_open: Callable[[], None] | None = None,
    ) -> AsyncIterator[str]:
        """Events of one screen until the browser goes away or the server stops.

        Parameters
        ----------
        name : the same name means the same screen; streams of one name and language share the
            building
        build : makes the screen; runs in a thread
        note_open : notes that somebody has this screen open, again and again while they do; runs in
            a thread
        """
        sent = _Sent()
        name = f"{current_language().value} {name}"
        yield f"retry: {_RECONNECT_MS}\n\n"
        while not self._closing.is_set():
            try:
                if note_open and self._seconds() - sent.noted_at >= HEARTBEAT_S:
                    await run_in_threadpool(note_open)
                    sent.noted_at = self._seconds()
                event = await self._next_event(name, build, sent)
            except DatabaseUnavailable:
                event = _event("unavailable", {})
            except NotFound:
                return
            if event:
                sent.at = self._seconds()
                yield event
            await self._pause()

    async def _next_event(self, name: str, build: Callable[[], Screen], sent: _Sent) -> str:
        now = self._seconds()
        token = await self._token.get(self._look)
        if token != sent.token or now - sent.looked_at >= LOOK_ANYWAY_S:
            sent.token, sent.looked_at = token, now
            self._forget_unused()
            shared = self._screens.setdefault(name, _Shared(LOOK_EVERY_S / 2, self._seconds))
            difference = sent.difference_to(await shared.get(build, version=token))
            if difference:
                return _event("parts", difference)
        return _event("alive", {}) if now - sent.at >= ALIVE_EVERY_S else ""

    def _look(self) -> tuple[object, ...]:
        with query(self._engine) as session:
            return (*change_token(session), upload_changes(session))

    def _forget_unused(self) -> None:
        oldest = self._seconds() - 2 * LOOK_ANYWAY_S
        self._screens = {
            name: shared for name, shared in self._screens.items() if shared.used_at > oldest
        }

    async def _pause(self) -> None:
        try:
            await asyncio.wait_for(self._closing.wait(), timeout=LOOK_EVERY_S)
        except TimeoutError:
            return


class _Sent:
    """What one browser has been told."""

    def __init__(self) -> None:
        self.token: object = None
        self.looked_at = 0.0
        self.at = 0.0
        self.noted_at = float("-inf")
        self._digests: dict[str, str] = {}
        self._order: list[str] | None = None

    def difference_to(self, screen: Screen) -> dict[str, Any]:
        """What has to be told; empty when the browser knows everything."""
        digests = {part.key: part.digest for part in screen.all_parts}
        changed = {
            part.key: [part.digest, part.html]
            for part in screen.all_parts
            if self._digests.get(part.key) != part.digest
        }
        if not changed and self._order == screen.order:
            return {}
        self._digests, self._order = digests, screen.order
        return {
            "title": screen.title,
            "order": screen.order,
            "urgent": screen.urgent,
            "parts": changed,
        }


class _Shared:
    """A value that is looked up at most once in a while, and again for a new version of it."""

    def __init__(self, keep_s: float, seconds: Callable[[], float]) -> None:
        self._keep_s = keep_s
        self._seconds = seconds
        self._lock = asyncio.Lock()
        self._value: Any = None
        self._version: object = None
        self._made_at = float("-inf")
        self.used_at = seconds()

    async def get(self, make: Callable[[], Any], version: object = None) -> Any:
        async with self._lock:
            self.used_at = self._seconds()
            if version != self._version or self.used_at - self._made_at >= self._keep_s:
                self._value = await run_in_threadpool(make)
                self._version = version
                self._made_at = self._seconds()
            return self._value


def _event(name: str, data: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"
