"""Checks every request, whoever sends it, and adds the headers that every answer carries.

- The Host header names the loopback interface, or a name of the page in the settings. A page of
  another site whose name was made to point here (DNS rebinding) sends its own and is refused.
- On a network the page is shown over https only.
- A request that changes something, but for a signed call of a system that we have told of a flag,
  and but for a program that stores by DICOMweb, comes from a page of
  ours (Fetch Metadata, W3C; Origin, RFC 6454), so no other site can press "Try again" for the
  reader.
- Nothing from elsewhere is loaded, framed or executed (`security_headers`).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from worklist.page.http_errors import ErrorPages
from worklist.page.security_headers import add_security_headers

# It carries a token and a signature in place of a person's session: worklist.study.flag_routes.
_SIGNED_CALL = re.compile(r"/flags/[0-9.]{1,64}/acknowledge/[A-Za-z0-9_-]{20,64}")
_HEALTH = ("/health", "/health/page", "/health/parts")
_BY_BROWSERS = ("origin", "sec-fetch-site", "sec-fetch-mode")
DICOMWEB = "/dicom-web"
_METRICS = "/metrics"  # looks at caller, name and token itself: worklist.metrics.routes
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# RFC 3986 Section 3.2.2 and 3.2.3: a name or an address, and a port
_HOST = re.compile(r"([A-Za-z0-9._~%-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{0,5})?")


def is_signed_call(path: str) -> bool:
    """Whether a call shows whose it is by a signature, where a person has a session."""
    return _SIGNED_CALL.fullmatch(path) is not None


def is_by_program(path: str, headers: Headers) -> bool:
    """Whether a request of DICOMweb comes from a program that is no browser.

    A browser says from which page a request comes, whatever page made it send one. Of a program
    nobody can make use from elsewhere: it sends no cookie that it was not given.
    """
    return is_dicomweb(path) and not any(name in headers for name in _BY_BROWSERS)


def is_dicomweb(path: str) -> bool:
    """Whether an address is one of our DICOMweb services."""
    return path == DICOMWEB or path.startswith(f"{DICOMWEB}/")


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

    def __init__(
        self,
        app: ASGIApp,
        pages: ErrorPages,
        *,
        names: Collection[str] = (),
        https_only: bool = False,
    ) -> None:
        self._app = app
        self._pages = pages
        self._names = frozenset(name.lower() for name in names)
        self._https_only = https_only

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                add_security_headers(MutableHeaders(scope=message), scope["path"])
            await send(message)

        headers = Headers(scope=scope)
        if scope["path"] == _METRICS and scope["method"] in _SAFE_METHODS:
            await self._app(scope, receive, send_with_headers)
            return
        if not self._is_ours(host_name(headers)):
            refused = self._pages.page("name_refused" if self._names else "host_refused")
        elif self._https_only and scope["scheme"] != "https" and scope["path"] not in _HEALTH:
            refused = self._pages.page("not_encrypted")
        elif (
            scope["method"] not in _SAFE_METHODS
            and not is_signed_call(scope["path"])
            and not is_by_program(scope["path"], headers)
            and not _is_same_origin(headers)
        ):
            refused = self._pages.page("origin_refused")
        else:
            await self._app(scope, receive, send_with_headers)
            return
        await refused(scope, receive, send_with_headers)

    def _is_ours(self, host: str) -> bool:
        return is_loopback(host) or host in self._names


def host_name(headers: Headers) -> str:
    """The name by which a request calls us; "" where its Host header is missing, or is none.

    `Request.url` has our own address in the place of a header that cannot be read.
    """
    given = headers.getlist("host")
    if len(given) != 1 or not _HOST.fullmatch(given[0]):  # RFC 9112 Section 3.2
        return ""
    try:
        return urlsplit(f"//{given[0]}").hostname or ""
    except ValueError:
        return ""


def _is_same_origin(headers: Headers) -> bool:
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = headers.get("origin", "")
    return bool(origin) and urlsplit(origin).netloc == headers.get("host", "")
