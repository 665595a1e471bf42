"""Signing in by an identity provider: the redirect there, and the return."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from database.accounts.audit import Actor, record_audit
from database.accounts.kept import account_of_identity
from database.session import transaction
from radiology.errors import AccountRefused, FirstreadError, IdentityRefused
from settings.log.log_events import get_logger
from settings.page.sign_in import IdentityProvider
from worklist.access.audit_trail import address_of
from worklist.access.cookies import (
    errand_of,
    forget,
    new_token,
    session_token,
    set_errand,
    set_session,
)
from worklist.access.identity_provider import Errand, Identity, ProviderClient
from worklist.access.sign_in import begin_session, local_address
from worklist.page.screens import PageContext

_log = get_logger("worklist")
_CALLBACK = "/sign-in/callback"


def provider_routes(context: PageContext, provider: IdentityProvider) -> APIRouter:
    """`GET /sign-in/provider` and `/sign-in/callback`."""
    router = APIRouter(prefix="/sign-in")
    client = ProviderClient(provider)

    @router.get("/provider")
    def leave(request: Request, next: str | None = None) -> Response:
        secret = new_token()
        address = client.authorization_address(Errand.of(secret), _redirect_uri(request))
        response = RedirectResponse(address, status_code=303)
        set_errand(response, request, secret, local_address(next))
        return response

    @router.get("/callback")
    def come_back(request: Request) -> Response:
        secret, wanted = errand_of(request) or ("", "/")
        try:
            if not secret:
                raise IdentityRefused("The browser was not sent to the provider by us")
            identity = client.identity(
                dict(request.query_params),
                Errand.of(secret),
                _redirect_uri(request),
                context.clock(),
            )
            token = _session_for(context, request, identity)
        except (IdentityRefused, AccountRefused) as error:
            _record_failure(context, request, error)
            raise IdentityRefused(error.message) from error
        response = RedirectResponse(local_address(wanted), status_code=303)
        set_session(response, request, token)
        forget(response, request, "errand")
        return response

    return router


def _session_for(context: PageContext, request: Request, identity: Identity) -> str:
    now = context.clock()
    with transaction(context.engine) as session:
        account_id = account_of_identity(
            session,
            issuer=identity.issuer,
            subject=identity.subject,
            name=identity.name,
            role=identity.role,
            now=now,
        )
        actor = Actor(identity.name.strip().lower(), identity.role.value, address_of(request))
        return begin_session(
            session,
            account_id,
            actor,
            now,
            old_token=session_token(request),
            through="identity provider",
        )


def _record_failure(context: PageContext, request: Request, error: FirstreadError) -> None:
    _log.warning("identity_refused", reason=error.message)
    with transaction(context.engine) as session:
        record_audit(
            session,
            "sign_in_failed",
            context.clock(),
            Actor("unknown", "", address_of(request)),
            succeeded=False,
            reason=error.message,
        )


def _redirect_uri(request: Request) -> str:
    """Where the provider sends the browser back to: under the name by which it came."""
    return f"{request.url.scheme}://{request.url.netloc}{_CALLBACK}"
