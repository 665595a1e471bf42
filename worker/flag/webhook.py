"""Tells a web service of an urgent study: signed JSON with identifiers and links only.

HTTP semantics: RFC 9110 (statuses, Retry-After in Section 10.2.3). Signed as Standard Webhooks
1.0.0 says; `webhook-id` is the notice's UID, the same at each attempt, so that a receiver drops
what it has had.
"""

from __future__ import annotations

import json
import ssl
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final

import httpx

from http_client.bounded_client import AnswerLimits, AnswerNotRead, bounded_client
from radiology.errors import Fact, FirstreadError, PeerBusy, PeerRefused, PeerUnreachable
from settings.flags import WebhookChannel
from webhook_node.signature import signed_headers
from worker.flag.channel import Notice, Receipt

_LONGEST_ANSWER_BYTES: Final = 64 * 1024
_PASSING: Final = (
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.CONFLICT,
    HTTPStatus.TOO_EARLY,
    HTTPStatus.TOO_MANY_REQUESTS,
)
_WHAT_TO_CHANGE: Final = {
    HTTPStatus.UNAUTHORIZED: "The receiver does not accept the signature: is the secret the same?",
    HTTPStatus.FORBIDDEN: "The receiver does not accept the signature: is the secret the same?",
    HTTPStatus.NOT_FOUND: "The receiver has no such address: correct url",
    HTTPStatus.GONE: "The receiver wants no notices any more",
}


class Webhook:
    """One receiver. Nothing is kept open between notices: urgent studies are rare."""

    def __init__(self, channel: WebhookChannel) -> None:
        self._channel = channel

    def send(self, notice: Notice, now: datetime) -> Receipt:
        """Send one notice; see `FlagChannel.send`."""
        body = json.dumps(notice_as_json(notice), ensure_ascii=False).encode()
        headers = {
            "content-type": "application/json",
            "user-agent": "Firstread",
            **signed_headers(self._channel.secret(), notice.notice_uid, body, now),
        }
        try:
            response, content = self._post(body, headers)
        except httpx.TimeoutException as error:
            raise PeerUnreachable(
                "The receiver has not answered in time", channel=self._channel.name
            ) from error
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error
        return self._read(response, content, now)

    def close(self) -> None:
        """Nothing is kept open."""

    def _post(self, body: bytes, headers: dict[str, str]) -> tuple[httpx.Response, bytes]:
        """One request; a body that is not read says nothing, and the status counts still."""
        limits = AnswerLimits.of_all(self._channel.answer_s, _LONGEST_ANSWER_BYTES)
        url = str(self._channel.url)
        with (
            bounded_client(limits, trust=self._certificates(), headers=headers) as client,
            client.stream("POST", url, content=body) as response,
        ):
            try:
                return response, response.read()
            except AnswerNotRead:
                return response, b""

    def _certificates(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self._channel.ca_file)
        except OSError as error:
            raise PeerRefused("ca_file cannot be read", channel=self._channel.name) from error

    def _unreachable(self, error: httpx.HTTPError) -> FirstreadError:
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, ssl.SSLCertVerificationError):
                return PeerRefused(
                    "The receiver's certificate is not trusted: name its issuer in ca_file",
                    channel=self._channel.name,
                )
            cause = cause.__cause__ or cause.__context__
        return PeerUnreachable(
            "The receiver does not answer over HTTP",
            channel=self._channel.name,
            cause=type(error).__name__,
        )

    def _read(self, response: httpx.Response, content: bytes, now: datetime) -> Receipt:
        code = response.status_code
        if response.is_success:
            said = _json_object(content)
            return Receipt(
                code=str(code),
                reference=_word(said.get("reference")),
                acknowledged_by=_word(said.get("acknowledged_by")),
            )
        facts: dict[str, Fact] = {"http_status": code, "channel": self._channel.name}
        if code in _PASSING or response.is_server_error:
            wait_s = _retry_after_s(response.headers.get("retry-after", ""), now)
            if wait_s is not None:
                facts["retry_after_s"] = wait_s
            raise PeerBusy("The receiver cannot take notices just now", **facts)
        if response.is_redirect:
            raise PeerRefused("The receiver is elsewhere by now: correct url", **facts)
        words = next((text for known, text in _WHAT_TO_CHANGE.items() if known == code), None)
        raise PeerRefused(words or "The receiver refused the notice: look into its log", **facts)


def notice_as_json(notice: Notice) -> dict[str, Any]:
    """What a receiver gets: identifiers, the answer and links; nothing that names the patient."""
    return {
        "type": f"firstread.flag.{notice.kind.value}",
        "timestamp": notice.raised_at.astimezone(UTC).isoformat(),
        "test": notice.is_test,
        "data": {
            "flag_uid": notice.flag_uid,
            "notice_uid": notice.notice_uid,
            "study_instance_uid": notice.study_instance_uid,
            "accession_number": notice.accession_number,
            "patient_id": notice.patient_id,
            "issuer_of_patient_id": notice.issuer_of_patient_id,
            "outcome": notice.outcome.value,
            "urgency": notice.urgency.value,
            "rule": notice.rule,
            "bundle": {"name": notice.bundle, "version": notice.bundle_version},
            "suspicion": notice.suspicion,
            "raised_at": notice.raised_at.astimezone(UTC).isoformat(),
            "last_instance_at": notice.last_instance_at.astimezone(UTC).isoformat(),
            "study_url": notice.study_url,
            "acknowledge_url": notice.acknowledge_url,
            "objects": [
                {
                    "sop_class_uid": made.sop_class_uid,
                    "sop_instance_uid": made.sop_instance_uid,
                    "series_instance_uid": made.series_instance_uid,
                }
                for made in notice.objects
            ],
        },
    }


def _json_object(content: bytes) -> dict[str, Any]:
    """An answer that is a JSON object; empty for any other, which is as good an answer."""
    try:
        said = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _word(value: object) -> str:
    """A short text of a receiver."""
    return value[:64] if isinstance(value, str) else ""


def _retry_after_s(value: str, now: datetime) -> float | None:
    """Seconds, from a number or a date (RFC 9110 Section 10.2.3)."""
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        return None
    return max(0.0, (moment - now).total_seconds())
