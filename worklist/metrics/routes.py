"""`GET /metrics` for Prometheus: to this machine, or to whoever sends the token of the settings.

A scraper cannot sign in. Without a token the caller and the name that it calls are of the loopback
interface, and no proxy stands between: otherwise anybody who reaches the proxy would be let in.
"""

from __future__ import annotations

import hmac

from fastapi import APIRouter, Request
from starlette.responses import PlainTextResponse, Response

from worklist.access.request_guard import host_name, is_loopback
from worklist.metrics.scrape import Scrapes
from worklist.page.screens import PageContext

_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
_LOCAL_ONLY = (
    "The metrics are shown to this machine only: set monitoring.metrics_token_file, and let the "
    "scraper send the token as a bearer token (docs/hospital/monitoring.md).\n"
)
_WRONG = "The scraper must send the token of monitoring.metrics_token_file as a bearer token.\n"


def metrics_routes(context: PageContext) -> APIRouter:
    """`GET /metrics`."""
    router = APIRouter()
    scrapes = Scrapes(context.settings, context.engine, context.clock)
    token = context.settings.monitoring.token()

    @router.get("/metrics")
    def metrics(request: Request) -> Response:
        if token is not None:
            if not _sends(request, token):
                headers = {"WWW-Authenticate": "Bearer"}
                return PlainTextResponse(_WRONG, status_code=401, headers=headers)
        elif not _is_local(request):
            return PlainTextResponse(_LOCAL_ONLY, status_code=403)
        text, kind = scrapes.text(request.headers.get("accept", ""))
        return Response(text, headers={"Content-Type": kind, "Cache-Control": "no-store"})

    return router


def _sends(request: Request, token: str) -> bool:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    same = hmac.compare_digest(given.strip().encode(errors="replace"), token.encode())
    return same and scheme.lower() == "bearer"


def _is_local(request: Request) -> bool:
    client = request.client.host if request.client else ""
    proxied = any(name in request.headers for name in _FORWARDED)
    return is_loopback(host_name(request.headers)) and is_loopback(client) and not proxied
