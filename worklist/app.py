"""The worklist page as an application.

A request passes, from the outside in: the reverse proxy's headers where there is one, the check
of host and origin (`request_guard`), the question who it is (`sign_in_gate`), the audit events
(`audit_trail`), the token of its form (`csrf`), and then its route.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from fastapi import Depends, FastAPI
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from database.session import Engine
from settings.environment import Settings
from worklist.access.audit_trail import AuditTrail
from worklist.access.provider_routes import provider_routes
from worklist.access.request_guard import RequestGuard
from worklist.access.sign_in_gate import SignInGate, limits_of
from worklist.access.sign_in_routes import account_routes, sign_in_routes
from worklist.administration.doctor_routes import doctor_routes
from worklist.administration.feedback_export import feedback_export_routes
from worklist.administration.health import health_routes
from worklist.administration.routes import administration_routes
from worklist.dicomweb.refusal import RequestRefused, answer_refusal
from worklist.dicomweb.routes import dicomweb_routes
from worklist.dicomweb.store import Store
from worklist.feedback.routes import feedback_routes
from worklist.help.routes import help_routes
from worklist.list.next_study import next_routes
from worklist.list.routes import list_routes, own_list_routes
from worklist.metrics.routes import metrics_routes
from worklist.ohif.routes import ohif_routes
from worklist.page.csrf import check_csrf
from worklist.page.http_errors import ErrorPages
from worklist.page.live import LiveScreens
from worklist.page.pictures import picture_routes
from worklist.page.screens import PageContext
from worklist.page.templates import STATIC_FOLDERS, make_templates
from worklist.page.theme_choice import ThemeChoice, theme_routes
from worklist.routes import live_routes, page_routes, retry_routes
from worklist.scorecard.routes import scorecard_routes
from worklist.study.flag_routes import flag_routes
from worklist.study.model_card import model_card_routes
from worklist.study.routes import study_routes
from worklist.upload.routes import upload_routes
from worklist.viewer.slices import slice_routes
from worklist.words.language_choice import LanguageChoice, language_routes

_FOR_EVER = "public, max-age=31536000, immutable"  # the address changes with the content
_FOR_A_DAY = "public, max-age=86400"


def _now() -> datetime:
    return datetime.now(UTC)


def create_app(
    settings: Settings,
    engine: Engine,
    *,
    clock: Callable[[], datetime] = _now,
    sign_in_always: bool = False,
) -> FastAPI:
    """The application: pages, live updates, pictures, health.

    With `sign_in_always` it asks for sign-in even while nobody has an account: see
    `server.needs_sign_in`.

    `app.state.live` is the `LiveScreens`; call its `close()` before the server stops, because an
    open stream would keep it waiting. `app.state.store` is the `Store` of DICOMweb; call its
    `close()` when the server has stopped.
    """
    templates = make_templates()
    context = PageContext(settings, engine, templates, clock)
    live = LiveScreens(engine)
    store = Store(context)
    pages = ErrorPages(templates)
    app = FastAPI(
        title="Firstread worklist page",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        dependencies=[Depends(check_csrf)],
    )
    app.state.live = live
    app.include_router(list_routes(context))
    app.include_router(own_list_routes(context))
    app.state.store = store
    app.include_router(page_routes(context))
    app.include_router(live_routes(context, live))
    app.include_router(retry_routes(context))
    app.include_router(feedback_routes(context))
    app.include_router(feedback_export_routes(context))
    app.include_router(scorecard_routes(context))
    app.include_router(flag_routes(context))
    app.include_router(picture_routes(context))
    app.include_router(slice_routes(context))
    app.include_router(study_routes(context))
    app.include_router(next_routes(context))
    app.include_router(model_card_routes(context))
    app.include_router(administration_routes(context))
    app.include_router(doctor_routes(context))
    app.include_router(upload_routes(context, live))
    app.include_router(dicomweb_routes(context, store))
    app.include_router(ohif_routes(context))
    app.include_router(health_routes(context))
    app.include_router(help_routes(context))
    app.include_router(metrics_routes(context))
    app.include_router(sign_in_routes(context))
    app.include_router(account_routes(context))
    if settings.sign_in.provider is not None:
        app.include_router(provider_routes(context, settings.sign_in.provider))
    app.include_router(language_routes())
    app.include_router(theme_routes())
    for room, folder in STATIC_FOLDERS.items():
        app.mount(f"/static/{room}", _Static(directory=folder))
    app.add_api_route("/favicon.ico", _favicon, include_in_schema=False)
    pages.install(app)
    app.add_exception_handler(RequestRefused, answer_refusal)
    network = settings.worklist_network
    # What is added last is met first.
    app.add_middleware(AuditTrail, engine=engine, clock=clock, pages=pages)
    app.add_middleware(
        SignInGate,
        engine=engine,
        limits=limits_of(settings.sign_in),
        clock=clock,
        pages=pages,
        always=sign_in_always,
    )
    app.add_middleware(RequestGuard, pages=pages, names=network.names, https_only=network.encrypted)
    if network.behind_proxy:
        trusted = [str(one) for one in network.behind_proxy]
        app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=trusted)
    app.add_middleware(ThemeChoice)
    app.add_middleware(LanguageChoice, language=settings.language)
    return app


class _Static(StaticFiles):
    """Scripts, styles, font and icon of one room, with how long a browser may keep them."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        versioned = scope["query_string"].startswith(b"v=")
        response.headers["Cache-Control"] = _FOR_EVER if versioned else _FOR_A_DAY
        return response


def _favicon() -> FileResponse:
    return FileResponse(
        STATIC_FOLDERS["page"] / "favicon.svg",
        media_type="image/svg+xml",
        headers={"Cache-Control": _FOR_A_DAY},
    )
