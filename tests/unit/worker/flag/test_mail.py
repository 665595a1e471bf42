"""The mail channel against aiosmtpd, which takes, refuses and demands TLS, and worse servers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError

from radiology.errors import PeerBusy, PeerRefused, PeerUnreachable, Unavailable
from tests.builders.stored.flags import mail
from tests.builders.stored.notices import RAISED_AT, notice
from tests.peers.flag_receivers import (
    password_of,
    running_mail_receiver,
    running_silent_server,
)
from tests.peers.ports import free_port
from tests.peers.tls import Certificate
from worker.flag.channel import NoticeKind
from worker.flag.mail import Mail, mail_of


def test_a_message_holds_identifiers_and_links() -> None:
    """Who reads it learns which study to open; nothing names the patient."""
    with running_mail_receiver() as server:
        answer = Mail(mail(port=server.port)).send(notice(), RAISED_AT)
    (message,) = server.taken
    assert message["Subject"] == "Firstread: Urgent chest CT, accession A-0001"
    assert message["Message-ID"] == "<2.25.72@hospital.example>" == answer.reference
    text = message.get_payload()
    assert isinstance(text, str)
    assert notice().study_url in text
    assert "secret-token" not in text  # a mail system follows links by itself
    assert "Doe" not in text


@pytest.mark.parametrize("kind", list(NoticeKind))
def test_every_kind_of_notice_is_a_message(kind: NoticeKind) -> None:
    """Each kind has words of its own."""
    with running_mail_receiver() as server:
        Mail(mail(port=server.port)).send(notice(kind=kind), RAISED_AT)
    assert len(server.taken) == 1


def test_an_accession_number_cannot_add_a_header() -> None:
    """Identifiers come from data sets that anybody may have written."""
    with running_mail_receiver() as server:
        hostile = notice(accession_number="A\r\nBcc: all@hospital.example\r\n\r\nx")
        Mail(mail(port=server.port)).send(hostile, RAISED_AT)
    (message,) = server.taken
    assert message["Bcc"] is None
    assert "\n" not in str(message["Subject"])


def test_some_recipients_are_enough() -> None:
    """A mail that one of two people gets is sent; the code says so."""
    with running_mail_receiver() as server:
        server.refusals["gone@hospital.example"] = "550 No such user"
        two = ["gone@hospital.example", "reader@hospital.example"]
        answer = Mail(mail(port=server.port, recipients=two)).send(notice(), RAISED_AT)
    assert answer.code == "250, 1 of 2"


def test_all_recipients_refused() -> None:
    """Nobody gets it: refused for good, or for the moment, as the server says."""
    with running_mail_receiver() as server:
        server.refusals["reader@hospital.example"] = "550 No such user"
        with pytest.raises(PeerRefused) as refusal:
            Mail(mail(port=server.port)).send(notice(), RAISED_AT)
        assert refusal.value.said == "No such user"
        server.refusals["reader@hospital.example"] = "450 Mailbox busy"
        with pytest.raises(PeerBusy):
            Mail(mail(port=server.port)).send(notice(), RAISED_AT)


def test_the_message_itself_is_refused() -> None:
    """A server may say no after it has seen the whole."""
    with running_mail_receiver() as server:
        server.data_answers = ["554 Spam", "452 Disk full"]
        with pytest.raises(PeerRefused):
            Mail(mail(port=server.port)).send(notice(), RAISED_AT)
        with pytest.raises(PeerBusy) as busy:
            Mail(mail(port=server.port)).send(notice(), RAISED_AT)
        assert busy.value.said == "Disk full"


def test_tls_and_sign_in(tmp_path: Path) -> None:
    """With STARTTLS, a certificate that is checked, a user and a password."""
    certificate = Certificate.new(tmp_path)
    (tmp_path / "password").write_text("word\n")
    known = password_of("firstread", "word")
    with running_mail_receiver(tls=certificate.server_context, authenticator=known) as server:
        values = {
            "port": server.port,
            "host": "localhost",
            "start_tls": True,
            "user": "firstread",
            "secret_file": tmp_path / "password",
        }
        Mail(mail(**values, ca_file=certificate.file)).send(notice(), RAISED_AT)
        with pytest.raises(PeerRefused, match="certificate"):
            Mail(mail(**values)).send(notice(), RAISED_AT)
        (tmp_path / "password").write_text("wrong\n")
        with pytest.raises(PeerRefused):
            Mail(mail(**values, ca_file=certificate.file)).send(notice(), RAISED_AT)
    assert len(server.taken) == 1


def test_a_server_without_tls_is_not_trusted() -> None:
    """Where STARTTLS is asked for, nothing is sent in clear."""
    with running_mail_receiver() as server, pytest.raises(PeerRefused, match="STARTTLS"):
        Mail(mail(port=server.port, start_tls=True)).send(notice(), RAISED_AT)
    assert server.taken == []


def test_nobody_answers() -> None:
    """Without a server there is nobody to write to."""
    with pytest.raises(PeerUnreachable):
        Mail(mail(port=free_port())).send(notice(), RAISED_AT)


@pytest.mark.parametrize("drip", [False, True])
@pytest.mark.parametrize("greeting", [b"", b"220 here\r\n", b"220 here\r\n250-"])
def test_a_server_that_hangs(greeting: bytes, drip: bool) -> None:
    """Neither silence nor a drip of bytes holds the channel for longer than it may."""
    with running_silent_server(greeting, drip=drip) as port, pytest.raises(Unavailable):
        Mail(mail(port=port, answer_s=0.4)).send(notice(), RAISED_AT)


def test_a_server_that_does_not_want_to_talk() -> None:
    """A greeting that is none: later, or never."""
    with running_silent_server(b"421 too busy\r\n") as port, pytest.raises(PeerBusy):
        Mail(mail(port=port, answer_s=1)).send(notice(), RAISED_AT)
    with running_silent_server(b"554 go away\r\n") as port, pytest.raises(PeerRefused):
        Mail(mail(port=port, answer_s=1)).send(notice(), RAISED_AT)


@pytest.mark.parametrize(
    "values",
    [
        {"user": "firstread"},
        {"secret_file": "x"},
        {"user": "u", "secret_file": "x", "start_tls": False},
        {"sender": "a@b\r\nX: y"},
        {"recipients": ["Reader <r@h.example>"]},
        {"recipients": []},
    ],
)
def test_settings_that_would_do_harm_are_refused(values: dict[str, object]) -> None:
    """A password in clear, half a sign-in, an address that is more than one."""
    with pytest.raises(ValidationError):
        mail(**values)


def test_the_subject_names_what_was_read() -> None:
    """A bundle says what its study is called; of an answer that cannot be read it is a study."""
    urgent = notice()
    assert urgent.reading is not None
    words = replace(urgent.reading.report, title="head CT", subject="bleeding")
    head = notice(reading=replace(urgent.reading, report=words))
    said = mail_of(head, mail(port=25), RAISED_AT)
    assert said["Subject"] == "Firstread: Urgent head CT, accession A-0001"
    unread = mail_of(notice(reading=None), mail(port=25), RAISED_AT)
    assert unread["Subject"] == "Firstread: Urgent study, accession A-0001"
