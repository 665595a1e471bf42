"""The table that converts our exceptions to HTTP answers with a next step, never a trace."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from jinja2 import Environment
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response

from radiology.errors import (
    DatabaseUnavailable,
    FeedbackRefused,
    IdentityProviderUnavailable,
    IdentityRefused,
    InvalidUid,
    ListRefused,
    ObjectStorageUnavailable,
    SpoolFull,
)
from settings.log.log_events import get_logger
from worklist.page.csrf import FORM_EXPIRED
from worklist.page.not_found import StudyNotFound, UploadNotFound
from worklist.page.security_headers import add_security_headers

_log = get_logger("worklist")


class Onward(StrEnum):
    """Where the button of the page leads."""

    WORKLIST = "worklist"
    SIGN_IN = "sign in"
    SIGN_OUT = "sign out"


@dataclass(frozen=True, slots=True)
class ErrorAnswer:
    """What a person reads when something could not be shown."""

    status: int
    title: str
    advice: str
    onward: Onward = Onward.WORKLIST


_ANSWERS = {
    "address_wrong": ErrorAnswer(
        400,
        "This address is not complete",
        "Go back to the worklist and open the study from there.",
    ),
    "host_refused": ErrorAnswer(
        400,
        "This page answers on this machine only",
        "Open it as http://localhost with the same port, on the machine that runs Firstread or "
        "through an SSH tunnel to it. To show it to the network, the administrator makes accounts "
        "and names it in worklist_network: docs/sign-in.md.",
    ),
    "name_refused": ErrorAnswer(
        400,
        "This page does not answer to that name",
        "Open it under the name that the administrator gave you; "
        "they are named in worklist_network: docs/sign-in.md.",
    ),
    "not_encrypted": ErrorAnswer(
        400,
        "This page is only shown over https",
        "Open it with https:// in front. Behind a reverse proxy, the proxy has to pass "
        "X-Forwarded-Proto, and its address has to stand in worklist_network.behind_proxy.",
    ),
    "sign_in_needed": ErrorAnswer(
        401,
        "You are not signed in",
        "Your session has ended. Sign in, and do it again.",
        Onward.SIGN_IN,
    ),
    "not_allowed": ErrorAnswer(
        403,
        "This is for administrators",
        "You are signed in as a reader. Ask an administrator to do it, or to change your role.",
    ),
    "for_people": ErrorAnswer(
        403,
        "This account is for programs",
        "It stores and retrieves by DICOMweb, and is shown no page. "
        "Sign in with an account of your own.",
        Onward.SIGN_OUT,
    ),
    "form_expired": ErrorAnswer(
        403,
        "This form is no longer valid",
        "It is from an earlier session, or from another page. Open the page again, and send the "
        "form from there. Nothing was changed.",
    ),
    "form_too_large": ErrorAnswer(
        413,
        "That is too much for this form",
        "Sign in first, and send it then.",
        Onward.SIGN_IN,
    ),
    "identity_refused": ErrorAnswer(
        403,
        "The identity provider's answer does not let you in",
        "Try once more from the sign-in page. If it stays so, ask the administrator: "
        "your account may have no role here, and the log has the reason.",
        Onward.SIGN_IN,
    ),
    "identity_unavailable": ErrorAnswer(
        503,
        "The identity provider does not answer",
        "Try again in a moment. Whoever has a password for this page can use it meanwhile.",
        Onward.SIGN_IN,
    ),
    "origin_refused": ErrorAnswer(
        403,
        "This request did not come from the worklist",
        "Open the study from the worklist and press the button there.",
    ),
    "not_found": ErrorAnswer(
        404, "There is no such page", "Go back to the worklist and open the study from there."
    ),
    "study_not_found": ErrorAnswer(
        404,
        "There is no such study here",
        "If it was sent just now, look again in a moment; otherwise send it once more by C-STORE.",
    ),
    "upload_not_found": ErrorAnswer(
        404,
        "There is no such upload here",
        "Uploads and their answers are deleted after a time. Upload it again.",
    ),
    "uploads_full": ErrorAnswer(
        503,
        "There are too many uploads already",
        "Nothing of it was taken. Try again in a few minutes.",
    ),
    "method_refused": ErrorAnswer(
        405, "This address cannot be used like that", "Go back to the worklist."
    ),
    "nothing_to_retry": ErrorAnswer(
        409,
        "There is nothing to try again",
        "It was tried again in the meantime, or it has ended well. Look at the study.",
    ),
    "feedback_refused": ErrorAnswer(
        400,
        "This feedback contradicts itself, or the result",
        "To disagree, tick what is wrong; a false positive stands alone. Nothing was kept: "
        "go back and give it again.",
    ),
    "filter_refused": ErrorAnswer(
        400,
        "The filter cannot be saved like that",
        "It needs a name of 1 to 40 letters that no other filter of yours has, and there are 30 "
        "at most. Go back, and choose another name or delete a filter first.",
    ),
    "database_unavailable": ErrorAnswer(
        503,
        "The database does not answer",
        "Studies that are sent now are not lost: the sender is told to try again. "
        "Tell the administrator, and read in the usual order meanwhile.",
    ),
    "object_storage_unavailable": ErrorAnswer(
        503,
        "The object storage does not answer",
        "Pictures and images are kept there; nothing of them is lost. "
        "Tell the administrator, and read in the usual order meanwhile.",
    ),
    "no_room_for_copy": ErrorAnswer(
        503,
        "There is no room left where the page runs",
        "Pictures and images are kept elsewhere and cannot be copied here; nothing of them is "
        "lost. Tell the administrator, and read in the usual order meanwhile.",
    ),
    "defect": ErrorAnswer(
        500,
        "Something is wrong with this page",
        "Read in the usual order meanwhile, and tell the administrator the time: "
        "the details are in the log.",
    ),
}

_BY_STATUS = {
    400: "address_wrong",
    401: "sign_in_needed",
    403: "not_allowed",
    404: "not_found",
    405: "method_refused",
    409: "nothing_to_retry",
    503: "uploads_full",
}


class ErrorPages:
    """Error answers as pages."""

    def __init__(self, templates: Environment) -> None:
        self._template = templates.get_template("page/error.html")

    def page(self, name: str) -> Response:
        """The page of one row of the table."""
        answer = _ANSWERS[name]
        html = self._template.render(answer=answer, title=answer.title, urgent=None)
        response = HTMLResponse(html, status_code=answer.status)
        # The page of a defect is written outside the middleware that adds them elsewhere.
        add_security_headers(response.headers)
        return response

    def install(self, app: FastAPI) -> None:
        """Answer every exception of the application with a row of the table."""
        app.add_exception_handler(StudyNotFound, self._study_not_found)
        app.add_exception_handler(UploadNotFound, self._upload_not_found)
        app.add_exception_handler(InvalidUid, self._study_not_found)
        app.add_exception_handler(DatabaseUnavailable, self._database_unavailable)
        app.add_exception_handler(ObjectStorageUnavailable, self._object_storage_unavailable)
        app.add_exception_handler(SpoolFull, self._no_room_for_copy)
        app.add_exception_handler(FeedbackRefused, self._feedback_refused)
        app.add_exception_handler(ListRefused, self._filter_refused)
        app.add_exception_handler(IdentityRefused, self._identity_refused)
        app.add_exception_handler(IdentityProviderUnavailable, self._identity_unavailable)
        app.add_exception_handler(RequestValidationError, self._address_wrong)
        app.add_exception_handler(HTTPException, self._http_exception)
        app.add_exception_handler(Exception, self._defect)

    async def _study_not_found(self, _request: Request, _error: Exception) -> Response:
        return self.page("study_not_found")

    async def _upload_not_found(self, _request: Request, _error: Exception) -> Response:
        return self.page("upload_not_found")

    async def _database_unavailable(self, _request: Request, _error: Exception) -> Response:
        return self.page("database_unavailable")

    async def _object_storage_unavailable(self, _request: Request, _error: Exception) -> Response:
        return self.page("object_storage_unavailable")

    async def _no_room_for_copy(self, _request: Request, _error: Exception) -> Response:
        return self.page("no_room_for_copy")

    async def _feedback_refused(self, _request: Request, _error: Exception) -> Response:
        return self.page("feedback_refused")

    async def _filter_refused(self, _request: Request, _error: Exception) -> Response:
        return self.page("filter_refused")

    async def _address_wrong(self, _request: Request, _error: Exception) -> Response:
        return self.page("address_wrong")

    async def _http_exception(self, _request: Request, error: Exception) -> Response:
        if not isinstance(error, HTTPException):
            return self.page("defect")
        if error.detail == FORM_EXPIRED:
            return self.page("form_expired")
        return self.page(_BY_STATUS.get(error.status_code, "defect"))

    async def _identity_refused(self, _request: Request, _error: Exception) -> Response:
        return self.page("identity_refused")

    async def _identity_unavailable(self, _request: Request, _error: Exception) -> Response:
        return self.page("identity_unavailable")

    async def _defect(self, request: Request, error: Exception) -> Response:
        # The route's pattern, not its address: an address may hold an identifier.
        route = getattr(request.scope.get("route"), "path", "")
        _log.error("page_failed", route=route, error_kind=type(error).__name__)
        return self.page("defect")
