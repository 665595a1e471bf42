"""What every request must satisfy and every answer must carry, before sign-in exists.

Anybody who reaches the page may read it, so only this machine may reach it:

- The Host header names the loopback interface. A page of another site whose name was made to point
  at 127.0.0.1 (DNS rebinding) sends its own name and is refused.
- A request that changes something, but for a signed call of a system that we have told of a flag,
  comes from a page of ours (Fetch Metadata, W3C; Origin, RFC
  6454), so no other site can press "Try again" for the reader.
- Nothing from elsewhere is loaded, framed or executed (`security_headers`).
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from worklist.http_errors import ErrorPages
from worklist.security_headers import add_security_headers

# It carries a token and a signature in place of a person's session: worklist.flag_routes.
_SIGNED_CALL = re.compile(r"/flags/[0-9.]{1,64}/acknowledge/[A-Za-z0-9_-]{20,64}")
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine and nothing else."""
    name = host.strip("[]").lower()
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


class RequestGuard:
    """ASGI middleware: refuses what is not for us, and puts the headers on what we answer."""

    def __init__(self, app: ASGIApp, pages: ErrorPages) -> None:
        self._app = app
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                add_security_headers(MutableHeaders(scope=message))
            await send(message)

        headers = Headers(scope=scope)
        if not _host_is_ours(headers):
            refused = self._pages.page("host_refused")
        elif (
            scope["method"] not in _SAFE_METHODS
            and not _SIGNED_CALL.fullmatch(scope["path"])
            and not _is_same_origin(headers)
        ):
            refused = self._pages.page("origin_refused")
        else:
            await self._app(scope, receive, send_with_headers)
            return
        await refused(scope, receive, send_with_headers)


def _host_is_ours(headers: Headers) -> bool:
    return is_loopback(_host_name(headers.get("host", "")))


def _host_name(netloc: str) -> str:
    try:
        return urlsplit(f"//{netloc}").hostname or ""
    except ValueError:
        return ""


def _is_same_origin(headers: Headers) -> bool:
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = headers.get("origin", "")
    return bool(origin) and urlsplit(origin).netloc == headers.get("host", "")
