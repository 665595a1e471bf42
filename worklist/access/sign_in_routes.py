"""The sign-in page, signing out, and the reader's own account."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from database.accounts.reader_sessions import SignedIn
from radiology.errors import AccountRefused
from worklist.access.audit_trail import actor_of, address_of
from worklist.access.cookies import forget, session_token, set_session
from worklist.access.sign_in import (
    Attempt,
    SignInAnswer,
    SignInRefusal,
    change_password,
    local_address,
    sign_in_by_password,
    sign_out,
)
from worklist.page.current_reader import AT_THIS_MACHINE, CurrentReader, current_reader
from worklist.page.screens import PageContext

Word = Annotated[str, Form(max_length=1000)]
_STATUS = {SignInRefusal.WRONG: 403, SignInRefusal.TOO_OFTEN: 429}


def sign_in_routes(context: PageContext) -> APIRouter:
    """`GET` and `POST /sign-in`, and `POST /sign-out`."""
    router = APIRouter()

    def page(wanted: str, answer: SignInAnswer | None = None, name: str = "") -> HTMLResponse:
        provider = context.settings.sign_in.provider
        html = context.templates.get_template("access/sign_in.html").render(
            title="Sign in",
            urgent=None,
            wanted=wanted,
            name=name,
            refusal=answer.refusal.value if answer and answer.refusal else None,
            again_at=answer.again_at if answer else None,
            provider_label=provider.label if provider else None,
        )
        return _answered(html, answer)

    @router.get("/sign-in")
    def ask(request: Request, next: str | None = None) -> Response:
        wanted = local_address(next)
        if getattr(request.state, "reader", None) is not None:
            return RedirectResponse(wanted, status_code=303)
        return page(wanted)

    @router.post("/sign-in")
    def let_in(request: Request, name: Word, password: Word, next: Word = "/") -> Response:
        wanted = local_address(next)
        if getattr(request.state, "reader", None) is AT_THIS_MACHINE:
            return RedirectResponse(wanted, status_code=303)
        attempt = Attempt(name, password, address_of(request), session_token(request))
        answer = sign_in_by_password(context.engine, attempt, context.clock())
        if answer.token is None:
            return page(wanted, answer, name)
        response = RedirectResponse(wanted, status_code=303)
        set_session(response, request, answer.token)
        return response

    @router.post("/sign-out")
    def let_out(request: Request) -> Response:
        token = session_token(request)
        if token is not None and _session_of(request) is not None:
            sign_out(context.engine, token, actor_of(request), context.clock())
        response = RedirectResponse("/sign-in", status_code=303)
        forget(response, request, "session")
        # Pictures may be kept by the browser for a while; the next reader has no use for them.
        response.headers["Clear-Site-Data"] = '"cache"'
        return response

    return router


def account_routes(context: PageContext) -> APIRouter:
    """`GET /account`, and `POST /account/password`."""
    router = APIRouter(prefix="/account")

    def page(
        request: Request,
        problem: str | None = None,
        answer: SignInAnswer | None = None,
        *,
        done: bool,
    ) -> HTMLResponse:
        who = _session_of(request)
        html = context.templates.get_template("access/account.html").render(
            title="Account",
            urgent=None,
            reader=current_reader(request),
            has_password=who is not None and who.local,
            has_session=who is not None,
            shortest=context.settings.sign_in.shortest_password,
            problem=problem,
            again_at=answer.again_at if answer else None,
            done=done,
        )
        return _answered(html, answer, refused=problem is not None)

    @router.get("")
    def show(request: Request, _reader: CurrentReader, changed: bool = False) -> Response:
        return page(request, done=changed)

    @router.post("/password")
    def change(request: Request, current: Word, new: Word, repeated: Word) -> Response:
        who = _session_of(request)
        if who is None or not who.local:
            raise HTTPException(404)
        if new != repeated:
            return page(request, "The two new passwords differ.", done=False)
        try:
            answer = change_password(
                context.engine,
                who,
                actor_of(request),
                current=current,
                new=new,
                shortest=context.settings.sign_in.shortest_password,
                now=context.clock(),
            )
        except AccountRefused as error:
            return page(request, error.message, done=False)
        if answer.token is None:
            words = "The current password is not right."
            if answer.refusal is SignInRefusal.TOO_OFTEN:
                words = answer.refusal.value
            return page(request, words, answer, done=False)
        response = RedirectResponse("/account?changed=true", status_code=303)
        set_session(response, request, answer.token)
        return response

    return router


def _session_of(request: Request) -> SignedIn | None:
    session = getattr(request.state, "session", None)
    return session if isinstance(session, SignedIn) else None


def _answered(html: str, answer: SignInAnswer | None, *, refused: bool = False) -> HTMLResponse:
    refusal = answer.refusal if answer else None
    status = _STATUS[refusal] if refusal else 422 if refused else 200
    return HTMLResponse(html, status_code=status)
