"""Work items over HTTP: creates, updates, queries and cancels work items at a UPS-RS service.

PS3.18 Section 11 (Worklist Service and Resources): 11.4 Create, 11.5 Retrieve, 11.6 Update, 11.7
Change State, 11.8 Request Cancellation; Annex F.2 (DICOM JSON). What is sent is what N-CREATE and
the other services send.
"""

from __future__ import annotations

import json
import ssl
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import httpx
from pydantic import SecretStr
from pydicom.dataset import Dataset

from dicom_node.presentation_contexts import UPS_PUSH
from dicom_node.request.warning_header import warning_of
from dicom_node.work_items.attributes import (
    cancel_data_set,
    change_data_set,
    creation_data_set,
    state_data_set,
)
from dicom_node.work_items.scu import WorkItemAnswer
from http_client.bounded_client import AnswerLimits, bounded_client
from radiology.errors import Fact, PeerBusy, PeerRefused, PeerUnreachable, SettingsRefused
from radiology.work_item import FINAL_STATES, WorkItem, WorkItemState

_LONGEST_ANSWER_BYTES: Final = 4 * 1024 * 1024
_DICOM_JSON: Final = "application/dicom+json"
_PASSING: Final = (
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_EARLY,
    HTTPStatus.TOO_MANY_REQUESTS,
)
_WHAT_TO_CHANGE: Final = {
    HTTPStatus.UNAUTHORIZED: "The service wants other credentials: correct user and secret_file",
    HTTPStatus.FORBIDDEN: "The service does not allow us to keep work items: allow it there",
    HTTPStatus.NOT_FOUND: "The service has no such address or work item: correct url",
    HTTPStatus.METHOD_NOT_ALLOWED: "The service does not keep work items: correct url",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The service does not take DICOM JSON",
}
_GONE: Final = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)


@dataclass(frozen=True, slots=True)
class WebService:
    """Where a UPS-RS service is, and how it knows us.

    Attributes
    ----------
    url : root of the DICOMweb service
    user : for basic authentication; without it a secret is a bearer token
    ca_file : certificates that its TLS certificate is checked against; None: the system's
    """

    url: str
    user: str | None = None
    secret: SecretStr | None = None
    ca_file: Path | None = None


class WorkItemWeb:
    """A UPS-RS service that keeps work items; one connection is kept between calls.

    Parameters
    ----------
    timeout_s : for each step: connecting, sending, every answer

    Raises
    ------
    SettingsRefused
        The certificates cannot be read, or a secret would go over the network in clear.
    """

    def __init__(self, service: WebService, *, timeout_s: float) -> None:
        url = httpx.URL(service.url)
        loopback = url.host in ("localhost", "127.0.0.1", "::1")
        if service.secret is not None and url.scheme != "https" and not loopback:
            raise SettingsRefused("A secret is only sent over https", host=url.host)
        self._host = url.host
        self._root = service.url.rstrip("/")
        self._client = bounded_client(
            AnswerLimits(_LONGEST_ANSWER_BYTES, step_s=timeout_s, answer_s=timeout_s),
            trust=_certificates(service),
            headers={"Accept": _DICOM_JSON, **_bearer(service)},
            auth=_basic(service),
        )

    def put(self, item: WorkItem) -> WorkItemAnswer:
        """Create a work item, or update an existing one.

        Returns
        -------
        The HTTP status, and the state where it is there already.

        Raises
        ------
        PeerUnreachable, PeerBusy, PeerRefused
            The service does not have it.
        """
        data_set = creation_data_set(item)
        data_set.SOPClassUID = UPS_PUSH
        data_set.SOPInstanceUID = item.sop_instance_uid
        response = self._request(
            "POST",
            "/workitems",
            data_set,
            params={"AffectedSOPInstanceUID": item.sop_instance_uid},
        )
        if response.status_code == HTTPStatus.CONFLICT:  # PS3.18 Table 11.4.3-1: there already
            answer = self.change(item)
            if not answer.exists:
                raise self._refusal(response)
            return answer
        self._require(response)
        self._require_uid(response, item.sop_instance_uid)
        return WorkItemAnswer(response.status_code, WorkItemState.SCHEDULED)

    def change(self, item: WorkItem) -> WorkItemAnswer:
        """Bring a work item up to date that is there, unless it is in somebody's hands.

        Raises
        ------
        PeerUnreachable, PeerBusy, PeerRefused
            It is not up to date.
        """
        path = f"/workitems/{item.sop_instance_uid}"
        response = self._request("POST", path, change_data_set(item))
        if response.status_code in _GONE:
            return WorkItemAnswer(response.status_code, exists=False)
        if response.status_code != HTTPStatus.CONFLICT:
            self._require(response)
        state = self.state_of(item.sop_instance_uid).state
        if response.status_code == HTTPStatus.CONFLICT and state is WorkItemState.SCHEDULED:
            raise self._refusal(response)  # nobody has it, and still it cannot be changed
        return WorkItemAnswer(response.status_code, state, was_final=state in FINAL_STATES)

    def request_cancel(self, sop_instance_uid: str, reason: str) -> WorkItemAnswer:
        """Ask for a work item to be canceled; a work item that is absent or done needs no request.

        Raises
        ------
        PeerUnreachable, PeerBusy, PeerRefused
            The service may still hold it.
        """
        path = f"/workitems/{sop_instance_uid}/cancelrequest"
        response = self._request("POST", path, cancel_data_set(reason))
        if response.status_code in _GONE:
            return WorkItemAnswer(response.status_code, exists=False)
        if response.status_code != HTTPStatus.CONFLICT:
            self._require(response)
            return WorkItemAnswer(response.status_code)
        state = self.state_of(sop_instance_uid).state
        return WorkItemAnswer(response.status_code, state, was_final=state in FINAL_STATES)

    def change_state(
        self, sop_instance_uid: str, state: WorkItemState, transaction_uid: str
    ) -> WorkItemAnswer:
        """Take a work item, or complete or cancel a work item that we have taken.

        Raises
        ------
        PeerUnreachable, PeerBusy, PeerRefused
            Its state did not change.
        """
        path = f"/workitems/{sop_instance_uid}/state"
        response = self._request("PUT", path, state_data_set(state, transaction_uid))
        self._require(response)
        return WorkItemAnswer(response.status_code, state)

    def state_of(self, sop_instance_uid: str) -> WorkItemAnswer:
        """Where a work item stands.

        Raises
        ------
        PeerUnreachable, PeerBusy, PeerRefused
            The service does not say.
        """
        response = self._request("GET", f"/workitems/{sop_instance_uid}")
        self._require(response)
        return WorkItemAnswer(response.status_code, _state(response.content))

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _request(
        self,
        method: str,
        path: str,
        data_set: Dataset | None = None,
        params: dict[str, str] | None = None,
    ) -> httpx.Response:
        content = None if data_set is None else json.dumps([data_set.to_json_dict()])
        headers = {} if content is None else {"Content-Type": _DICOM_JSON}
        try:
            return self._client.request(
                method, self._root + path, content=content, headers=headers, params=params
            )
        except httpx.HTTPError as error:
            cause: BaseException | None = error
            while cause is not None:
                if isinstance(cause, ssl.SSLCertVerificationError):
                    raise PeerRefused(
                        "The service's certificate is not trusted: name its issuer in ca_file",
                        host=self._host,
                    ) from error
                cause = cause.__cause__ or cause.__context__
            raise PeerUnreachable(
                "The service does not answer over HTTP",
                host=self._host,
                cause=type(error).__name__,
            ) from error

    def _require(self, response: httpx.Response) -> None:
        code = response.status_code
        if HTTPStatus.OK <= code < HTTPStatus.MULTIPLE_CHOICES:
            return
        if code in _PASSING or code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise PeerBusy(
                "The service cannot take a work item just now",
                warning_of(response),
                **self._facts(response),
            )
        raise self._refusal(response)

    def _refusal(self, response: httpx.Response) -> PeerRefused:
        code = response.status_code
        facts = self._facts(response)
        if HTTPStatus.MULTIPLE_CHOICES <= code < HTTPStatus.BAD_REQUEST:
            return PeerRefused("The service is elsewhere by now: correct url", **facts)
        words = next((text for known, text in _WHAT_TO_CHANGE.items() if known == code), None)
        return PeerRefused(
            words or "The service refused a work item: look into its log",
            warning_of(response),
            **facts,
        )

    def _require_uid(self, response: httpx.Response, uid: str) -> None:
        """A service that chooses UIDs itself would make a new work item of each attempt."""
        location = response.headers.get("Location") or response.headers.get("Content-Location")
        if location and httpx.URL(location).path.rstrip("/").rpartition("/")[2] != uid:
            raise PeerRefused(
                "The service gave the work item a UID of its own: it cannot be kept up to date",
                host=self._host,
            )

    def _facts(self, response: httpx.Response) -> dict[str, Fact]:
        return {"http_status": response.status_code, "host": self._host}


def _state(content: bytes) -> WorkItemState | None:
    """The state that an answer says; None where it says none."""
    try:
        answer: Any = json.loads(content)
        first = answer[0] if isinstance(answer, list) else answer
        word = first["00741000"]["Value"][0]
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    return next((one for one in WorkItemState if one.value == word), None)


def _certificates(service: WebService) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=service.ca_file)
    except OSError as error:
        raise SettingsRefused("ca_file of a work-item-web channel cannot be read") from error


def _basic(service: WebService) -> httpx.BasicAuth | None:
    if service.user is None or service.secret is None:
        return None
    return httpx.BasicAuth(service.user, service.secret.get_secret_value())


def _bearer(service: WebService) -> dict[str, str]:
    if service.user is not None or service.secret is None:
        return {}
    return {"Authorization": f"Bearer {service.secret.get_secret_value()}"}  # RFC 6750 Section 2.1
