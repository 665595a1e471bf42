"""STOW-RS: store instances over HTTP, with the same answers as C-STORE gives.

PS3.18 Section 10.5 (Store Transaction) and 8.6.1 (multipart), PS3.3 C.14 is where the failure
reasons are listed, PS3.18 Table I.2-2 (Store Instances Response). Each instance goes in a request
of its own: an error of one instance does not affect the others, and an answer that names no
instance still belongs to one.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import httpx
from pydantic import SecretStr
from pydicom.filereader import read_file_meta_info

from dicom_node.receive.instance_identity import UNREADABLE
from dicom_node.request.c_store import StoreAnswer, log_failure
from dicom_node.request.warning_header import warning_of
from dicom_node.status import SUCCESS, error_of_status
from http_client.bounded_client import AnswerLimits, bounded_client
from radiology.errors import (
    DataSetUnreadable,
    Fact,
    FirstreadError,
    PeerBusy,
    PeerRefused,
    PeerUnreachable,
    SettingsRefused,
)
from settings.peers import Peer

_FAILURE_REASON: Final = "00081197"
_WARNING_REASON: Final = "00081196"
_FAILED_SOP_SEQUENCE: Final = "00081198"
_REFERENCED_SOP_SEQUENCE: Final = "00081199"
_REFERENCED_SOP_INSTANCE_UID: Final = "00081155"
_LONGEST_ANSWER_BYTES: Final = 1024 * 1024
_BOUNDARY: Final = "firstread-2f1c7a86f0c04d6f9e0f3b1d1c5a7e44"  # occurs in no instance of ours
_WITH_BODY: Final = (HTTPStatus.OK, HTTPStatus.ACCEPTED, HTTPStatus.CONFLICT)
_PASSING: Final = (
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_EARLY,
    HTTPStatus.TOO_MANY_REQUESTS,
)
_WHAT_TO_CHANGE: Final = {
    HTTPStatus.UNAUTHORIZED: "The peer wants other credentials: correct stow_user and its secret",
    HTTPStatus.FORBIDDEN: "The peer does not allow us to store: allow it there",
    HTTPStatus.NOT_FOUND: "The peer has no such address: correct stow_url",
    HTTPStatus.METHOD_NOT_ALLOWED: "The peer does not store here: correct stow_url",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The peer takes no object of this size: raise its limit",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The peer does not store this kind of object",
}


def store_instances(
    paths: Sequence[Path], peer: Peer, secret: SecretStr | None, *, timeout_s: float
) -> tuple[StoreAnswer, ...]:
    """Store DICOM files at a peer's DICOMweb service.

    Parameters
    ----------
    paths : files with file meta information (PS3.10), stored in this order
    peer : with `stow_url`
    secret : password for `stow_user`, or else a bearer token; None: without credentials
    timeout_s : for each step: connecting, sending, every answer

    Returns
    -------
    One answer for each path, in the order of `paths`. A status is the failure or warning reason
    of PS3.18, which are those of C-STORE; an HTTP status leaves it None.

    Raises
    ------
    PeerUnreachable, PeerBusy, PeerRefused
        The first instance met something that the others would meet too; nothing was stored.
    SettingsRefused
        `stow_ca_file` cannot be read.
    """
    answers: list[StoreAnswer] = []
    with web_client(peer, secret, timeout_s=timeout_s) as client:
        for number, path in enumerate(paths):
            answer, concerns_all = _store_one(client, path, peer)
            log_failure(answer, peer)
            if concerns_all and not any(one.error is None for one in answers):
                raise answer.error or PeerUnreachable()
            answers.append(answer)
            if concerns_all:
                answers += [
                    StoreAnswer(rest, "", None, answer.error) for rest in paths[number + 1 :]
                ]
                break
    return tuple(answers)


def web_client(
    peer: Peer,
    secret: SecretStr | None,
    *,
    timeout_s: float,
    most_bytes: int = _LONGEST_ANSWER_BYTES,
    most_s: float | None = None,
) -> httpx.Client:
    """What calls a peer's DICOMweb service: its certificate checked, our secret with each request.

    Parameters
    ----------
    timeout_s : for each step
    most_bytes, most_s : of one answer; None: as long as a step

    Raises
    ------
    SettingsRefused
        `stow_ca_file` cannot be read.
    """
    return bounded_client(
        AnswerLimits(most_bytes, step_s=timeout_s, answer_s=most_s or timeout_s),
        trust=_certificates(peer),
        auth=_authentication(peer, secret),
    )


def _certificates(peer: Peer) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=peer.stow_ca_file)
    except OSError as error:
        raise SettingsRefused("stow_ca_file cannot be read", peer=peer.name) from error


class _Bearer(httpx.Auth):
    """A token in each request (RFC 6750 Section 2.1)."""

    def __init__(self, token: SecretStr) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Any:
        """Add the token to a request."""
        request.headers["Authorization"] = f"Bearer {self._token.get_secret_value()}"
        yield request


def _authentication(peer: Peer, secret: SecretStr | None) -> httpx.Auth | None:
    if secret is None:
        return None
    if peer.stow_user is None:
        return _Bearer(secret)
    return httpx.BasicAuth(peer.stow_user, secret.get_secret_value())


def _store_one(client: httpx.Client, path: Path, peer: Peer) -> tuple[StoreAnswer, bool]:
    """Store one instance; the second value is whether its error would meet every other one."""
    try:
        sop_instance_uid = str(read_file_meta_info(path).MediaStorageSOPInstanceUID)
        content = path.read_bytes()
    except UNREADABLE as error:
        fault = DataSetUnreadable("The file is not a DICOM file", cause=type(error).__name__)
        return StoreAnswer(path, "", None, fault), False
    try:
        response = client.post(
            f"{str(peer.stow_url).rstrip('/')}/studies",
            content=_multipart(content),
            headers={
                "Content-Type": f'multipart/related; type="application/dicom"; '
                f"boundary={_BOUNDARY}",
                "Accept": "application/dicom+json",
            },
        )
    except httpx.HTTPError as error:
        return StoreAnswer(path, sop_instance_uid, None, unreachable(error, peer)), True
    said = warning_of(response)
    status, fault_of_all = _read_response(response, sop_instance_uid, peer, said)
    if fault_of_all is not None:
        concerns_all = response.status_code in (
            HTTPStatus.UNAUTHORIZED,
            HTTPStatus.FORBIDDEN,
            HTTPStatus.NOT_FOUND,
            HTTPStatus.METHOD_NOT_ALLOWED,
        )
        return StoreAnswer(path, sop_instance_uid, None, fault_of_all), concerns_all
    return StoreAnswer(path, sop_instance_uid, status, error_of_status(status, said)), False


def _multipart(content: bytes) -> bytes:
    """One instance as multipart/related (PS3.18 Section 8.6.1, RFC 2387)."""
    head = f"--{_BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n".encode()
    return head + content + f"\r\n--{_BOUNDARY}--\r\n".encode()


def unreachable(error: httpx.HTTPError, peer: Peer) -> FirstreadError:
    """The error for a DICOMweb service that gives no answer, or shows a wrong certificate."""
    where = peer.stow_url.host if peer.stow_url else None
    cause = error.__cause__ or error.__context__
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return PeerRefused(
                "The peer's certificate is not trusted: name its issuer in stow_ca_file",
                host=where,
                peer=peer.name,
            )
        cause = cause.__cause__ or cause.__context__
    return PeerUnreachable(
        "The peer does not answer over HTTP", host=where, peer=peer.name, cause=type(error).__name__
    )


def _read_response(
    response: httpx.Response, sop_instance_uid: str, peer: Peer, said: str
) -> tuple[int | None, FirstreadError | None]:
    """The status of the instance, or why there is none."""
    code = response.status_code
    if code in _WITH_BODY:
        status = _status_of(response.content, sop_instance_uid)
        if status is not None:
            return status, None
        if code == HTTPStatus.OK and not response.content:
            return SUCCESS, None  # PS3.18 Section 10.5.3: all stored, without more words
    facts: dict[str, Fact] = {"http_status": code, "peer": peer.name}
    if code in _PASSING or code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return None, PeerBusy(
            "The peer cannot store just now; it will be tried again", said, **facts
        )
    if code < HTTPStatus.MULTIPLE_CHOICES:
        return None, PeerUnreachable("The peer does not say whether it has stored it", **facts)
    if code < HTTPStatus.BAD_REQUEST:
        return None, PeerRefused("The peer is elsewhere by now: correct stow_url", **facts)
    words = next((text for known, text in _WHAT_TO_CHANGE.items() if known == code), None)
    return None, PeerRefused(
        words or "The peer refused the object: look into its log", said, **facts
    )


def _status_of(content: bytes, sop_instance_uid: str) -> int | None:
    """What a response says about an instance (PS3.18 Table I.2-2); None where it says nothing."""
    if not content:
        return None
    try:
        answer = json.loads(content)
        answer = answer[0] if isinstance(answer, list) else answer
        failed = _item(answer, _FAILED_SOP_SEQUENCE, sop_instance_uid)
        if failed is not None:
            return _number(failed, _FAILURE_REASON, 0x0110)
        stored = _item(answer, _REFERENCED_SOP_SEQUENCE, sop_instance_uid)
        return None if stored is None else _number(stored, _WARNING_REASON, SUCCESS)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None


def _item(answer: Any, sequence: str, sop_instance_uid: str) -> Any:
    for item in answer.get(sequence, {}).get("Value", ()):
        if _values(item, _REFERENCED_SOP_INSTANCE_UID)[:1] == [sop_instance_uid]:
            return item
    return None


def _number(item: Any, keyword: str, otherwise: int) -> int:
    values = _values(item, keyword)
    return int(values[0]) if values else otherwise


def _values(item: Any, keyword: str) -> list[Any]:
    return list(item.get(keyword, {}).get("Value", ()))
