"""The cookies of the page: a session, a visit before it, and an errand to an identity provider.

RFC 6265bis. Over https both have the prefix `__Host-`: no other host, and no page over http, can
set them. SameSite is Lax and not Strict, because a link from the RIS or from a mail leads to a
study; what changes something is protected by its origin and by a token.
"""

from __future__ import annotations

import re
import secrets
from urllib.parse import quote, unquote

from starlette.requests import HTTPConnection
from starlette.responses import Response

_TOKEN_BYTES = 32
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_VISIT_S = 3600
_ERRAND_S = 900


def new_token() -> str:
    """A random token of 256 bits."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


def session_token(request: HTTPConnection) -> str | None:
    """The token of the session that a request carries."""
    return _read(request, "session")


def visit_token(request: HTTPConnection) -> str | None:
    """The token of the visit that a request carries."""
    return _read(request, "visit")


def set_session(response: Response, request: HTTPConnection, token: str) -> None:
    """Begin a session in the browser, until it is closed; the visit is over."""
    _set(response, request, "session", token)
    forget(response, request, "visit")


def set_visit(response: Response, request: HTTPConnection, token: str) -> None:
    """Begin a visit in the browser."""
    _set(response, request, "visit", token, max_age=_VISIT_S)


def set_errand(response: Response, request: HTTPConnection, secret: str, wanted: str) -> None:
    """Remember that the browser is sent to the identity provider, and where it wanted to go."""
    _set(response, request, "errand", f"{secret}.{quote(wanted, safe='')}", max_age=_ERRAND_S)


def errand_of(request: HTTPConnection) -> tuple[str, str] | None:
    """The secret of the errand that a browser comes back from, and where it wanted to go."""
    secret, _, wanted = request.cookies.get(_name(request, "errand"), "").partition(".")
    return (secret, unquote(wanted)) if _TOKEN.fullmatch(secret) else None


def forget(response: Response, request: HTTPConnection, kind: str) -> None:
    """Have the browser forget a cookie."""
    _set(response, request, kind, "", max_age=0)


def _set(
    response: Response,
    request: HTTPConnection,
    kind: str,
    value: str,
    *,
    max_age: int | None = None,
) -> None:
    response.set_cookie(
        _name(request, kind),
        value,
        max_age=max_age,
        path="/",
        secure=_is_https(request),
        httponly=True,
        samesite="lax",
    )


def _read(request: HTTPConnection, kind: str) -> str | None:
    value = request.cookies.get(_name(request, kind), "")
    return value if _TOKEN.fullmatch(value) else None


def _name(request: HTTPConnection, kind: str) -> str:
    return f"__Host-firstread-{kind}" if _is_https(request) else f"firstread-{kind}"


def _is_https(request: HTTPConnection) -> bool:
    return bool(request.scope.get("scheme") == "https")
