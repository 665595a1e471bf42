"""Tokens that prove that a form came from our page, in the session that sends it.

The token is made from the secret in the browser's cookie. So the server stores nothing, and a token
of one session is invalid in another (OWASP Cross-Site Request Forgery Prevention Cheat Sheet,
HMAC-based token). It stands beside the check of the origin, not in its place.

Parts of a screen are shared by everybody who looks at it, so they cannot carry anybody's token:
templates write a stand-in of the same length, and `put_tokens` replaces it in each answer.
"""

from __future__ import annotations

import hmac
import secrets
from base64 import urlsafe_b64encode
from hashlib import sha256

from fastapi import HTTPException, Request
from markupsafe import Markup

FIELD = "csrf_token"
HEADER = "X-CSRF-Token"
FORM_EXPIRED = "form expired"  # what the error page is chosen by
_FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def token_of(secret: str) -> str:
    """The token of a session or a visit: 43 characters."""
    digest = hmac.digest(secret.encode(), b"firstread csrf", sha256)
    return urlsafe_b64encode(digest).decode().rstrip("=")


# Random, so that nobody can write it into an accession number and have a token put there.
_STAND_IN = secrets.token_urlsafe(32)
assert len(_STAND_IN) == len(token_of(""))


def csrf_token() -> str:
    """For templates: the token, for a script that sends it as a header."""
    return _STAND_IN


def csrf_field() -> Markup:
    """For templates: the token as a field; every form that is posted has one."""
    return Markup('<input type="hidden" name="{}" value="{}">').format(FIELD, _STAND_IN)


def put_tokens(body: bytes, secret: str) -> bytes:
    """Replace the stand-in in a piece of an answer; its length stays the same."""
    return body.replace(_STAND_IN.encode(), token_of(secret).encode())


async def check_csrf(request: Request) -> None:
    """For every route: what changes something carries the token of its session or visit.

    A route that reads a large body by itself takes the token as a header, or its endpoint has an
    attribute `reads_body_itself` and it calls `is_token_of` before it does anything.

    Raises
    ------
    HTTPException
        With status 403: there is no token, or a wrong token.
    """
    secret = getattr(request.state, "csrf_secret", None)
    if request.method in _SAFE_METHODS or secret is None:
        return
    if getattr(request.scope.get("endpoint"), "reads_body_itself", False):
        return
    given: object = request.headers.get(HEADER)
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if given is None and kind in _FORM_TYPES:
        given = (await request.form()).get(FIELD)
    if not is_token_of(secret, given):
        raise HTTPException(403, FORM_EXPIRED)


def is_token_of(secret: str, given: object) -> bool:
    """Whether a token is the one of a session or a visit."""
    return isinstance(given, str) and hmac.compare_digest(
        given.encode(errors="replace"), token_of(secret).encode()
    )
