"""The HL7 channel against the listener of the package `hl7`: it accepts, refuses, hangs, breaks."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hl7_node.observation_message import control_id_of
from radiology.errors import PeerBusy, PeerRefused, PeerUnreachable, SettingsRefused
from settings.flags import Hl7Channel
from settings.tls import ClientTls
from tests.builders.stored.notices import RAISED_AT, notice
from tests.integration.hl7.conftest import Certificate
from tests.peers.hl7_listener import Behaviour, ReceivedMessages, hl7_listener
from worker.flag.channel import NoticeKind, Receipt
from worker.flag.hl7_observation import Hl7ObservationChannel

pytestmark = pytest.mark.integration


@contextmanager
def channel_to(
    port: int, *, answer_s: float = 10.0, tls: ClientTls | None = None
) -> Iterator[Hl7ObservationChannel]:
    """Our channel to a port of this machine."""
    channel = Hl7ObservationChannel(
        Hl7Channel(name="ris", kind="hl7", host="127.0.0.1", port=port, answer_s=answer_s, tls=tls)
    )
    try:
        yield channel
    finally:
        channel.close()


def send(channel: Hl7ObservationChannel, number: int = 1) -> Receipt:
    """Send one notice, by its number."""
    return channel.send(notice(notice_uid=f"2.25.72.{number}"), RAISED_AT)


def control_id(number: int = 1) -> str:
    return control_id_of(f"2.25.72.{number}")


def assert_once(received: ReceivedMessages, *numbers: int) -> None:
    """A receiver that knows repetitions by their control id keeps each message once, in order."""
    assert list(received.distinct) == [control_id(number) for number in numbers]


def test_messages_go_over_one_connection_in_their_order() -> None:
    """Twenty notices, one connection, each answered with its own control id."""
    with hl7_listener() as received, channel_to(received.port) as channel:
        answers = [send(channel, number) for number in range(20)]
        assert [one.code for one in answers] == ["AA"] * 20
        assert [one.reference for one in answers] == [control_id(n) for n in range(20)]
        assert received.control_ids == [control_id(number) for number in range(20)]
        assert received.connections == 1


def test_threads_wait_for_each_other() -> None:
    """Several threads on one channel: one connection, no answer mistaken for another's."""
    with hl7_listener() as received, channel_to(received.port) as channel:
        answers: dict[int, Receipt] = {}
        threads = [
            threading.Thread(target=lambda n=n: answers.update({n: send(channel, n)}))
            for n in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert {n: one.reference for n, one in answers.items()} == {
            n: control_id(n) for n in range(8)
        }
        assert received.connections == 1


@pytest.mark.parametrize("behaviour", [Behaviour.COMMIT, Behaviour.BY_BYTES])
def test_a_commit_and_an_answer_in_pieces_are_answers(behaviour: Behaviour) -> None:
    """CA counts as taken; an answer may come byte by byte."""
    with hl7_listener(behaviour) as received, channel_to(received.port) as channel:
        assert send(channel).code in ("AA", "CA")
        assert_once(received, 1)


def test_a_refusal_is_for_good() -> None:
    """AR: a person must change something; the message is not sent again by itself."""
    with hl7_listener(Behaviour.REJECT) as received, channel_to(received.port) as channel:
        with pytest.raises(PeerRefused) as refusal:
            send(channel)
        assert refusal.value.facts["code"] == "AR"
        assert len(received.messages) == 1
        assert send(channel, 2).code == "AA"
        assert received.connections == 1


def test_a_refusal_is_told_in_the_words_of_the_receiver() -> None:
    """MSA-3 and ERR-8, for people; what may be logged has the codes alone."""
    with (
        hl7_listener(Behaviour.REJECT_IN_WORDS) as received,
        channel_to(received.port) as channel,
        pytest.raises(PeerRefused) as refusal,
    ):
        send(channel)
    assert refusal.value.said == "Order not found; no order for Doe, Jane"
    assert "Jane" not in str(refusal.value)
    assert refusal.value.facts["condition"] == "204"


def test_an_acknowledgement_in_another_character_set_is_one() -> None:
    """What was taken is not sent again because of the name of a character set."""
    with hl7_listener(Behaviour.ACCEPT_IN_LATIN) as received, channel_to(received.port) as channel:
        assert send(channel).code == "AA"
        assert len(received.messages) == 1


@pytest.mark.parametrize("behaviour", [Behaviour.ERROR, Behaviour.LOCKED])
def test_an_error_may_pass(behaviour: Behaviour) -> None:
    """AE, and AR because of a locked record: tried again later, over the same connection."""
    with hl7_listener(behaviour) as received, channel_to(received.port) as channel:
        with pytest.raises(PeerBusy):
            send(channel)
        assert send(channel).code == "AA"
        assert received.control_ids == [control_id(), control_id()]
        assert_once(received, 1)
        assert received.connections == 1


@pytest.mark.parametrize(
    "behaviour",
    [
        Behaviour.TAKE_AND_BREAK,
        Behaviour.BREAK_IN_ANSWER,
        Behaviour.GARBAGE,
        Behaviour.NO_FRAME,
        Behaviour.NO_ACKNOWLEDGEMENT,
        Behaviour.ENDLESS,
    ],
)
def test_what_was_perhaps_taken_is_sent_again_under_the_same_control_id(
    behaviour: Behaviour,
) -> None:
    """No answer, half an answer, or none that can be understood: not lost, and not doubled."""
    with hl7_listener(behaviour) as received, channel_to(received.port) as channel:
        with pytest.raises(PeerUnreachable):
            send(channel)
        assert send(channel).code == "AA"
        assert received.control_ids == [control_id(), control_id()]
        assert_once(received, 1)
        assert received.connections == 2


@pytest.mark.parametrize("behaviour", [Behaviour.SILENT, Behaviour.WRONG_ID])
def test_silence_and_answers_to_something_else_are_no_answer(behaviour: Behaviour) -> None:
    """The wait ends after `answer_s`; the next attempt uses a new connection."""
    with (
        hl7_listener(behaviour) as received,
        channel_to(received.port, answer_s=0.5) as channel,
    ):
        with pytest.raises(PeerUnreachable):
            send(channel)
        assert send(channel).code == "AA"
        assert_once(received, 1)
        assert received.connections == 2


def test_a_late_answer_to_an_earlier_message_is_passed_over() -> None:
    """Only an answer with our control id is one."""
    with (
        hl7_listener(Behaviour.LATE_AND_RIGHT) as received,
        channel_to(received.port) as channel,
    ):
        assert send(channel).code == "AA"
        assert received.connections == 1


def test_a_connection_that_was_closed_meanwhile_is_opened_again() -> None:
    """Receivers that close after each message, as some do, get each message once."""
    script = [Behaviour.ACCEPT_AND_CLOSE] * 3
    with hl7_listener(*script) as received, channel_to(received.port) as channel:
        for number in range(3):
            assert send(channel, number).code == "AA"
        assert_once(received, 0, 1, 2)


def test_a_kept_connection_that_breaks_is_tried_once_more_at_once() -> None:
    """The first message opened it; it breaks under the second, which goes over a new one."""
    with (
        hl7_listener(Behaviour.ACCEPT, Behaviour.TAKE_AND_BREAK) as received,
        channel_to(received.port) as channel,
    ):
        send(channel, 1)
        assert send(channel, 2).code == "AA"
        assert received.control_ids == [control_id(1), control_id(2), control_id(2)]
        assert_once(received, 1, 2)


_FOR_GOOD = {Behaviour.REJECT, Behaviour.REJECT_IN_WORDS}
QUICK = sorted(
    set(Behaviour) - {Behaviour.SILENT, Behaviour.WRONG_ID} - _FOR_GOOD,
    key=lambda one: one.name,
)


@settings(max_examples=10, deadline=None)
@given(st.lists(st.sampled_from(QUICK), max_size=6))
def test_nothing_is_lost_or_doubled_whatever_the_receiver_does(script: list[Behaviour]) -> None:
    """Four notices, each tried until it is taken: the receiver has each once, in their order."""
    with hl7_listener(*script) as received, channel_to(received.port) as channel:
        for number in range(4):
            for _ in range(len(script) + 1):
                try:
                    assert send(channel, number).reference == control_id(number)
                    break
                except (PeerUnreachable, PeerBusy):
                    continue
            else:
                pytest.fail("never taken")
        assert_once(received, 0, 1, 2, 3)


def test_nobody_listens() -> None:
    """An unreachable receiver is tried again later."""
    with hl7_listener() as received:
        port = received.port
    with channel_to(port) as channel, pytest.raises(PeerUnreachable):
        send(channel)


def test_an_acknowledgement_is_not_passed_on() -> None:
    """ORU has no word for "somebody has seen it": nothing is sent."""
    with hl7_listener() as received, channel_to(received.port) as channel:
        channel.send(notice(kind=NoticeKind.ACKNOWLEDGED), RAISED_AT)
        assert not received.connections


def server_context(certificate: Certificate, *, ask: bool = False) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate.certificate, certificate.key)
    if ask:
        context.load_verify_locations(certificate.certificate)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def test_tls_with_certificates_on_both_sides(certificate: Certificate) -> None:
    """The receiver's certificate is checked, and ours is shown to one that asks."""
    tls = ClientTls(
        ca_file=certificate.certificate,
        certificate_file=certificate.certificate,
        key_file=certificate.key,
    )
    with (
        hl7_listener(tls=server_context(certificate, ask=True)) as received,
        channel_to(received.port, tls=tls) as channel,
    ):
        assert send(channel, 1).code == "AA"
        assert send(channel, 2).code == "AA"
        assert received.connections == 1


def test_a_receiver_with_an_unknown_certificate_gets_nothing(certificate: Certificate) -> None:
    """Without its issuer the connection is not used."""
    with (
        hl7_listener(tls=server_context(certificate)) as received,
        channel_to(received.port, tls=ClientTls()) as channel,
    ):
        with pytest.raises(PeerUnreachable):
            send(channel)
        assert not received.messages


def test_a_receiver_without_tls_gets_nothing_from_one_that_wants_it(
    certificate: Certificate,
) -> None:
    """TLS that is asked for never falls back to clear text."""
    with (
        hl7_listener() as received,
        channel_to(
            received.port, answer_s=1.0, tls=ClientTls(ca_file=certificate.certificate)
        ) as channel,
    ):
        with pytest.raises(PeerUnreachable):
            send(channel)
        assert not received.messages


def test_a_certificate_that_is_none_is_told_when_the_channel_is_made(
    certificate: Certificate,
) -> None:
    """Not when the first urgent study comes."""
    tls = ClientTls(ca_file=certificate.key)
    with pytest.raises(SettingsRefused), channel_to(1, tls=tls):
        pass
