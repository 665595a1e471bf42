"""Requests of DICOMweb that cannot be answered as they are: an HTTP status and a sentence.

PS3.18 Section 8.5 (status codes). The reader of it is a program and whoever looks into its log, so
it is plain text, in English, with what to do next; it repeats nothing of the request.
"""

from __future__ import annotations

from fastapi import Request
from starlette.responses import PlainTextResponse, Response

from radiology.errors import InvalidUid, Refused
from radiology.identity import checked_uid


class RequestRefused(Refused):
    """A request of DICOMweb cannot be answered as it is.

    Attributes
    ----------
    status : the HTTP status that answers it
    """

    def __init__(self, status: int, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def wrong(message: str) -> RequestRefused:
    """400: the request itself is wrong."""
    return RequestRefused(400, message)


def not_held(message: str = "There is no such instance, series or study here.") -> RequestRefused:
    """404: we do not hold it, or not any more."""
    return RequestRefused(404, message)


def not_acceptable(message: str) -> RequestRefused:
    """406: it cannot be had in any of the media types of the request."""
    return RequestRefused(406, message)


def uid_of(text: str, keyword: str) -> str:
    """A UID of an address or a query (PS3.5 Section 9.1).

    Raises
    ------
    RequestRefused
        It is none.
    """
    try:
        return checked_uid(text, keyword)
    except InvalidUid as error:
        raise wrong(f"{error.message}.") from error


async def answer_refusal(_request: Request, error: Exception) -> Response:
    """For the application: the answer to a refused request."""
    assert isinstance(error, RequestRefused)
    return PlainTextResponse(
        f"{error.message}\n", status_code=error.status, headers=dict(error.headers)
    )
