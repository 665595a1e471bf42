"""The same by DICOMweb: objects of ours found by QIDO-RS, got back by WADO-RS, and the clock there.

PS3.18 Section 10.6 (Search Transaction), 10.4 (Retrieve Transaction), 8.6.1 (multipart).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final

import httpx
from pydantic import SecretStr

from dicom_node.request.read_back import SentObject
from dicom_node.request.stow import unreachable, web_client
from radiology.errors import PeerRefused
from settings.peers import Peer

_MOST_BYTES: Final = 1 << 30  # of one object
_LONGEST_S: Final = 600.0
_SOP_INSTANCE_UID: Final = "00080018"
_NOBODY: Final = "2.25.0"  # an instance that no service has: nothing of a patient comes back
_BOUNDARY: Final = re.compile(r'boundary="?([^";]+)"?', re.IGNORECASE)
_WHAT_TO_CHANGE: Final = {
    HTTPStatus.UNAUTHORIZED: "The peer wants other credentials: correct stow_user and its secret",
    HTTPStatus.FORBIDDEN: "The peer does not allow us to search: allow it there",
    HTTPStatus.NOT_FOUND: "The peer has no such address: correct stow_url",
}


@dataclass(frozen=True)
class WebRetrieval:
    """What a service gave.

    Attributes
    ----------
    finds, gets : whether it offers QIDO-RS and WADO-RS to us
    found : SOP Instance UIDs that QIDO-RS names
    got : DICOM files by SOP Instance UID
    """

    finds: bool
    gets: bool
    found: frozenset[str]
    got: dict[str, bytes]


def web_clock(peer: Peer, secret: SecretStr | None, *, timeout_s: float) -> datetime | None:
    """What time a service says that it is (RFC 9110 Section 6.6.1); None where it does not say.

    It is asked for an instance that nobody has, so an answer also says that we may search there.

    Raises
    ------
    PeerUnreachable, PeerRefused
        It does not answer, or does not let us in; the message says what to change.
    SettingsRefused
        `stow_ca_file` cannot be read.
    """
    with web_client(peer, secret, timeout_s=timeout_s) as client:
        answer = _get(client, peer, f"/instances?SOPInstanceUID={_NOBODY}")
    known = next((text for code, text in _WHAT_TO_CHANGE.items() if code == answer.status_code), "")
    if known:
        raise PeerRefused(known, http_status=answer.status_code, peer=peer.name)
    try:
        return parsedate_to_datetime(answer.headers.get("date", "")).astimezone(UTC)
    except (ValueError, TypeError):
        return None


def web_read_back(
    peer: Peer, objects: Iterable[SentObject], secret: SecretStr | None, *, timeout_s: float
) -> WebRetrieval:
    """Find each object and get it.

    Parameters
    ----------
    peer : with `stow_url`
    secret : as for `store_instances`
    timeout_s : for each step

    Raises
    ------
    PeerUnreachable, PeerRefused
        It does not answer; the message says what to change.
    SettingsRefused
        `stow_ca_file` cannot be read.
    """
    found: set[str] = set()
    got: dict[str, bytes] = {}
    finds = gets = True
    with (
        web_client(peer, secret, timeout_s=timeout_s) as finding,
        web_client(
            peer, secret, timeout_s=timeout_s, most_bytes=_MOST_BYTES, most_s=_LONGEST_S
        ) as getting,
    ):
        for one in objects:
            series = f"/studies/{one.study_instance_uid}/series/{one.series_instance_uid}/instances"
            named = _found(_get(finding, peer, series))
            if named is None:
                finds = False
            elif one.sop_instance_uid in named:
                found.add(one.sop_instance_uid)
            accept = 'multipart/related; type="application/dicom"; transfer-syntax=*'
            answer = _get(getting, peer, f"{series}/{one.sop_instance_uid}", accept)
            content = _only_part(answer)
            if content is not None:
                got[one.sop_instance_uid] = content
            elif answer.status_code not in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
                gets = False
    return WebRetrieval(finds, gets, frozenset(found), got)


def _get(
    client: httpx.Client, peer: Peer, path: str, accept: str = "application/dicom+json"
) -> httpx.Response:
    try:
        return client.get(f"{str(peer.stow_url).rstrip('/')}{path}", headers={"Accept": accept})
    except httpx.HTTPError as error:
        raise unreachable(error, peer) from error


def _found(answer: httpx.Response) -> frozenset[str] | None:
    """SOP Instance UIDs that an answer names; None where the service does not offer it."""
    if answer.status_code == HTTPStatus.NO_CONTENT:
        return frozenset()
    if answer.status_code != HTTPStatus.OK:
        return frozenset() if answer.status_code == HTTPStatus.NOT_FOUND else None
    try:
        return frozenset(str(one[_SOP_INSTANCE_UID]["Value"][0]) for one in json.loads(answer.text))
    except (ValueError, LookupError, TypeError):
        return None


def _only_part(answer: httpx.Response) -> bytes | None:
    """The DICOM file of an answer; None where there is none."""
    if answer.status_code != HTTPStatus.OK:
        return None
    boundary = _BOUNDARY.search(answer.headers.get("content-type", ""))
    if boundary is None:
        return answer.content if answer.content[128:132] == b"DICM" else None
    limit = b"--" + boundary[1].encode()
    _, begun, rest = answer.content.partition(limit)
    _, head_ended, body = rest.partition(b"\r\n\r\n")
    content, ended, _ = body.rpartition(b"\r\n" + limit)
    return content if begun and head_ended and ended else None
