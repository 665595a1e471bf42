"""The webhook channel against a real web service that takes, refuses, hangs and breaks off."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from radiology.errors import PeerBusy, PeerRefused, PeerUnreachable, SettingsRefused
from tests.builders.stored.flags import webhook
from tests.builders.stored.notices import RAISED_AT, notice
from tests.peers.flag_receivers import (
    Behaviour,
    WebReceiver,
    answers_twice,
    answers_with,
    breaks_off,
    drips,
    hangs_until,
    running_web_receiver,
)
from tests.peers.hostile_service import (
    HOSTILE_ANSWERS,
    endless,
    hostile_service,
    packed,
)
from tests.peers.ports import free_port
from webhook_node.signature import is_signed, signed_headers
from worker.flag.webhook import Webhook

_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def sender(receiver: WebReceiver, **values: object) -> Webhook:
    """A channel to a receiver."""
    return Webhook(webhook(port=receiver.port, **values))


def test_a_notice_holds_identifiers_and_links_and_nothing_of_the_reading() -> None:
    """The receiver learns which study and how urgent; what the reading quotes stays here."""
    with running_web_receiver() as receiver:
        answer = sender(receiver).send(notice(), RAISED_AT)
    (got,) = receiver.received
    assert answer.code == "204"
    assert got.headers["webhook-id"] == notice().notice_uid
    assert got.said["type"] == "firstread.flag.raised"
    assert got.said["data"]["study_instance_uid"] == notice().study_instance_uid
    assert got.said["data"]["acknowledge_url"] == notice().acknowledge_url
    assert b"Doe" not in got.body
    assert "webhook-signature" not in got.headers


def test_the_signature_is_that_of_the_specification() -> None:
    """The example of Standard Webhooks 1.0.0 gives the signature that it states."""
    body = b'{"test": 2432232314}'
    moment = RAISED_AT.fromtimestamp(1614265330, RAISED_AT.tzinfo)
    headers = signed_headers(SecretStr(_SECRET), "msg_p5jXN8AQM9LWM0D4loKWxJek", body, moment)
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("secret", [_SECRET, "any words that both know"])
def test_the_receiver_can_tell_that_it_is_ours(tmp_path: Path, secret: str) -> None:
    """Id, second and body are signed: what is changed, old or signed by others is told apart."""
    (tmp_path / "secret").write_text(secret + "\n")
    with running_web_receiver() as receiver:
        sender(receiver, secret_file=tmp_path / "secret").send(notice(), RAISED_AT)
    (got,) = receiver.received
    ours = SecretStr(secret)
    assert is_signed(ours, got.headers, got.body, RAISED_AT + timedelta(seconds=299))
    assert not is_signed(ours, got.headers, got.body + b" ", RAISED_AT)
    assert not is_signed(ours, {**got.headers, "webhook-id": "2.25.99"}, got.body, RAISED_AT)
    assert not is_signed(ours, got.headers, got.body, RAISED_AT + timedelta(seconds=301))
    assert not is_signed(SecretStr("another"), got.headers, got.body, RAISED_AT)
    assert not is_signed(ours, {**got.headers, "webhook-timestamp": "9" * 40}, got.body, RAISED_AT)
    assert not is_signed(ours, {}, got.body, RAISED_AT)


def test_an_answer_may_acknowledge() -> None:
    """A receiver that shows the notice to somebody says so in its answer."""
    said = json.dumps({"acknowledged_by": "duty desk", "reference": "T-1"}).encode()
    with running_web_receiver(answers_with(200, said)) as receiver:
        answer = sender(receiver).send(notice(), RAISED_AT)
    assert (answer.acknowledged_by, answer.reference) == ("duty desk", "T-1")


@pytest.mark.parametrize(
    "body",
    [b"thanks", b"[1]", b'{"acknowledged_by": 7}', b"\xff\xfe", b"[" * 50_000, b"x" * 200_000],
)
def test_any_body_of_an_answer_is_an_acceptance(body: bytes) -> None:
    """What the receiver says beside its status need not be what we know."""
    with running_web_receiver(answers_with(200, body)) as receiver:
        answer = sender(receiver).send(notice(), RAISED_AT)
    assert (answer.code, answer.acknowledged_by) == ("200", "")


def test_two_answers_are_one() -> None:
    """The first of two answers counts."""
    with running_web_receiver(answers_twice) as receiver:
        assert sender(receiver).send(notice(), RAISED_AT).code == "200"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 413, 422])
def test_a_refusal_is_final(status: int) -> None:
    """What the receiver refuses for good is not tried again by itself."""
    with running_web_receiver(answers_with(status)) as receiver, pytest.raises(PeerRefused):
        sender(receiver).send(notice(), RAISED_AT)


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 503])
def test_a_busy_receiver_is_asked_again(status: int) -> None:
    """What may pass is tried again."""
    with running_web_receiver(answers_with(status)) as receiver, pytest.raises(PeerBusy):
        sender(receiver).send(notice(), RAISED_AT)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("17", 17.0),
        ("Sat, 21 Nov 2026 08:03:00 GMT", 60.0),
        ("Wed, 04 Mar 2020 05:07:07 GMT", 0.0),
        ("soon", None),
        ("", None),
        ("9" * 400, 999999999.0),
    ],
)
def test_retry_after_is_heeded(value: str, seconds: float | None) -> None:
    """The receiver's own wish, as seconds or as a date."""
    busy = answers_with(503, retry_after=value)
    with running_web_receiver(busy) as receiver, pytest.raises(PeerBusy) as raised:
        sender(receiver).send(notice(), RAISED_AT)
    assert raised.value.facts.get("retry_after_s") == seconds


def test_a_redirect_is_not_followed() -> None:
    """A notice goes where the settings say, and nowhere else."""
    with running_web_receiver() as elsewhere:
        there = answers_with(307, location=elsewhere.url)
        with running_web_receiver(there) as receiver, pytest.raises(PeerRefused, match="url"):
            sender(receiver).send(notice(), RAISED_AT)
    assert elsewhere.received == []


def test_nobody_answers() -> None:
    """Without a service there is nothing to talk to."""
    with pytest.raises(PeerUnreachable):
        Webhook(webhook(port=free_port())).send(notice(), RAISED_AT)


def test_a_receiver_that_breaks_off() -> None:
    """A connection that ends without an answer leaves open whether the notice arrived."""
    with running_web_receiver(breaks_off) as receiver, pytest.raises(PeerUnreachable):
        sender(receiver).send(notice(), RAISED_AT)


@pytest.mark.parametrize("way", ["hangs", "drips"])
def test_a_receiver_that_never_ends_its_answer(way: str) -> None:
    """Neither silence nor a drip of bytes holds the channel for longer than it may."""
    with running_web_receiver() as receiver:
        behaviour: Behaviour = hangs_until(receiver.ended)
        if way == "drips":
            behaviour = lambda request: drips(request, receiver.ended)  # noqa: E731
        receiver.behaviours = [behaviour]
        with pytest.raises(PeerUnreachable):
            sender(receiver, answer_s=0.3).send(notice(), RAISED_AT)


@pytest.mark.parametrize("answer", HOSTILE_ANSWERS)
def test_a_hostile_answer_does_not_hold_up_other_channels(
    answer: Callable[[], Iterable[bytes]],
) -> None:
    """Whose headers came has taken the notice, whatever it says beside its status."""
    is_taken = answer in (endless, packed)
    began = time.monotonic()
    with hostile_service(answer) as (url, sent):
        channel = Webhook(webhook(url=url, answer_s=20.0 if is_taken else 0.5))
        if is_taken:
            receipt = channel.send(notice(), RAISED_AT)
            assert (receipt.code, receipt.acknowledged_by) == ("200", "")
        else:
            with pytest.raises(PeerUnreachable):
                channel.send(notice(), RAISED_AT)
    assert time.monotonic() - began < 10
    assert sent[0] < 20_000_000


def test_a_secret_that_is_not_there(tmp_path: Path) -> None:
    """Without its secret nothing is sent unsigned."""
    with running_web_receiver() as receiver, pytest.raises(SettingsRefused):
        sender(receiver, secret_file=tmp_path / "nothing").send(notice(), RAISED_AT)
    assert receiver.received == []


@pytest.mark.parametrize(
    "values",
    [
        {"url": "http://pager.hospital.example/", "secret_file": "secret"},
        {"url": "https://user:word@pager.hospital.example/"},
        {"url": "ftp://pager.hospital.example/"},
        {"name": "Pager one"},
    ],
)
def test_settings_that_would_do_harm_are_refused(values: dict[str, str]) -> None:
    """A signature over plain HTTP, a password in an address, another protocol."""
    with pytest.raises(ValidationError):
        webhook(**values)
