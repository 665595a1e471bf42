"""Sends mail about an urgent study: identifiers and links only.

SMTP (RFC 5321) with STARTTLS (RFC 3207). The Message-ID follows from the notice's UID, so that a
mail system can tell a repetition.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime

from radiology.errors import Fact, FirstreadError, PeerBusy, PeerRefused, PeerUnreachable
from radiology.words.peer_words import readable
from settings.flags import MailChannel
from worker.flag.channel import TEST_SAYS, Notice, NoticeKind, Receipt

_SUBJECTS = {
    NoticeKind.RAISED: "{urgency} {title}, accession {accession}",
    NoticeKind.RAISED_AGAIN: "{urgency} {title}, newer result, accession {accession}",
    NoticeKind.WITHDRAWN: "Withdrawn: flag of {title}, accession {accession}",
    NoticeKind.ACKNOWLEDGED: "Seen: {title}, accession {accession}",
}
_SENTENCES = {
    NoticeKind.RAISED: "An algorithm asks for this study to be read first.",
    NoticeKind.RAISED_AGAIN: "A newer result of this study; an algorithm asks for it to be read.",
    NoticeKind.WITHDRAWN: "The result behind an earlier message is withdrawn. Do not rely on it.",
    NoticeKind.ACKNOWLEDGED: "Somebody has seen this study.",
}


class _Session(smtplib.SMTP):
    """A session that is given its server before it connects to it."""

    _host: str  # what starttls() checks the certificate against; connect() does not note it


class Mail:
    """One mail server and the people who are written to through it."""

    def __init__(self, channel: MailChannel) -> None:
        self._channel = channel

    def send(self, notice: Notice, now: datetime) -> Receipt:
        """Send one notice; see `FlagChannel.send`.

        Where the server takes it for some of the recipients only, it is taken.
        """
        message = mail_of(notice, self._channel, now)
        try:
            with self._session() as server:
                refused = server.send_message(
                    message, self._channel.sender, list(self._channel.recipients)
                )
        except smtplib.SMTPRecipientsRefused as error:
            answers = sorted(error.recipients.values(), key=lambda one: one[0])
            raise self._fault(*(answers or [(550, b"")])[0]) from error
        except smtplib.SMTPNotSupportedError as error:
            raise PeerRefused(
                "The mail server offers no STARTTLS or no sign-in", channel=self._channel.name
            ) from error
        except smtplib.SMTPServerDisconnected as error:
            raise self._unreachable(error) from error
        except smtplib.SMTPResponseException as error:
            raise self._fault(error.smtp_code, _in_bytes(error.smtp_error)) from error
        except ssl.SSLCertVerificationError as error:
            raise PeerRefused(
                "The mail server's certificate is not trusted: name its issuer in ca_file",
                channel=self._channel.name,
            ) from error
        except (OSError, smtplib.SMTPException) as error:
            raise self._unreachable(error) from error
        taken = len(self._channel.recipients) - len(refused)
        part = f", {taken} of {len(self._channel.recipients)}" if refused else ""
        return Receipt(code=f"250{part}", reference=str(message["Message-ID"]))

    def close(self) -> None:
        """Nothing is kept open."""

    @contextmanager
    def _session(self) -> Iterator[smtplib.SMTP]:
        """A session whose whole time is limited, however slowly the server drips."""
        channel = self._channel
        server = _Session(timeout=channel.answer_s, local_hostname=socket.gethostname())
        server._host = channel.host
        cut = threading.Timer(channel.answer_s, _cut, [server])
        cut.daemon = True
        cut.start()
        try:
            code, text = server.connect(channel.host, channel.port)
            if code != 220:  # RFC 5321 Section 4.3.2
                raise self._fault(code, text)
            if channel.start_tls:
                server.starttls(context=ssl.create_default_context(cafile=channel.ca_file))
            secret = channel.secret()
            if channel.user is not None and secret is not None:
                server.login(channel.user, secret.get_secret_value())
            yield server
            # What was taken is taken, whatever becomes of the farewell.
            with suppress(OSError, smtplib.SMTPException):
                server.quit()
        finally:
            cut.cancel()
            server.close()

    def _fault(self, code: int, text: bytes = b"") -> FirstreadError:
        """RFC 5321 Section 4.2.1: 4yz is transient, 5yz permanent."""
        said = readable(text.decode("utf-8", errors="replace"))
        facts: dict[str, Fact] = {"smtp_code": code, "channel": self._channel.name}
        if 500 <= code < 600:
            words = "The mail server refuses: check sender, recipients and sign-in"
            return PeerRefused(words, said, **facts)
        return PeerBusy("The mail server does not take it just now", said, **facts)

    def _unreachable(self, error: Exception) -> PeerUnreachable:
        return PeerUnreachable(
            "The mail server does not answer, or has broken off",
            channel=self._channel.name,
            cause=type(error).__name__,
        )


def mail_of(notice: Notice, channel: MailChannel, now: datetime) -> EmailMessage:
    """The message; the same each time for one notice, but for its date."""
    accession = _one_line(notice.accession_number) or "unknown"
    message = EmailMessage()
    begins = "TEST, Firstread: " if notice.is_test else "Firstread: "
    message["Subject"] = begins + _SUBJECTS[notice.kind].format(
        urgency=notice.urgency.value.capitalize(),
        title=_one_line(notice.title),
        accession=accession,
    )
    message["From"] = channel.sender
    message["To"] = ", ".join(channel.recipients)
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{notice.notice_uid}@{channel.sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no answers by machines
    lines = [
        TEST_SAYS if notice.is_test else _SENTENCES[notice.kind],
        "",
        f"Accession number: {accession}",
        f"Patient ID: {_one_line(notice.patient_id) or 'unknown'}",
        f"Study: {notice.study_instance_uid}",
        f"Urgency: {notice.urgency.value}",
        f"Rule: {notice.rule}",
        *([f"Read by: {notice.read_by}"] if notice.read_by else []),
        f"Since: {notice.raised_at:%Y-%m-%d %H:%M} UTC",
        "",
        f"Open and acknowledge: {notice.study_url}",
        "",
        "AI result - not for primary diagnosis",
    ]
    message.set_content("\n".join(lines) + "\n")
    return message


def _in_bytes(text: bytes | str) -> bytes:
    """What the library gives as either."""
    return text if isinstance(text, bytes) else text.encode()


def _one_line(text: str) -> str:
    """An identifier as a scanner sent it, without what would break a line or a header."""
    return "".join(one if one.isprintable() else " " for one in text).strip()[:64]


def _cut(server: smtplib.SMTP) -> None:
    sock = server.sock
    if sock is not None:
        with suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
