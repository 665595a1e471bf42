"""Syslog over TLS: the form of a message (RFC 5424) and of what carries it (RFC 5425).

PS3.15 Section A.6 and IHE ITI TF-2: 3.20. RFC 5425 has no answer by which a receiver says that it
has a message. So a batch has a connection of its own, and ends with both sides' taking leave: a
receiver closes after it has read everything up to our close_notify (RFC 8446 Section 6.1).

A receiver may refuse our certificate when our handshake is over, and take its leave while the
messages are on their way: rsyslog then reads them to their end, and drops them. If we took our
leave at the same moment, both ends would look the same. So we stay a while after the last message,
and whoever leaves before us has taken nothing.

What ends otherwise is sent again, whole: each message comes at least once, and its number tells a
repeated one.
"""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from radiology.errors import Fact, PeerUnreachable

# RFC 5424 Table 1 and 2: facility 10, security and authorization; severity 5 notice, 4 warning.
_FACILITY: Final = 10
_NOTICE: Final = 5
_WARNING: Final = 4
_MSGID: Final = "DICOM+RFC3881"  # PS3.15 Section A.6
_APP_NAME: Final = "firstread"
_LARGEST_SEQUENCE: Final = 2147483647  # RFC 5424 Section 7.3.1
_BOM: Final = b"\xef\xbb\xbf"  # RFC 5424 Section 6.4: what follows is UTF-8
_NOT_IN_NAME: Final = re.compile(r"[^!-~]")
_READ_BYTES: Final = 4096
_LONGEST_S: Final = 60.0  # for one batch
_STAYS_S: Final = 0.2  # more than a round trip on a hospital's network


@dataclass(frozen=True, slots=True)
class SyslogMessage:
    """One message.

    Attributes
    ----------
    number : of the audit event
    succeeded : whether what it tells of went well
    content : XML, UTF-8
    """

    number: int
    at: datetime
    succeeded: bool
    content: bytes


def syslog_frame(message: SyslogMessage, host: str) -> bytes:
    """A message as it goes over the line: its length in octets, a space, and itself."""
    priority = _FACILITY * 8 + (_NOTICE if message.succeeded else _WARNING)
    moment = message.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    name = _NOT_IN_NAME.sub("", host)[:255] or "-"
    sequence = (message.number - 1) % _LARGEST_SEQUENCE + 1
    header = f'<{priority}>1 {moment} {name} {_APP_NAME} - {_MSGID} [meta sequenceId="{sequence}"] '
    whole = header.encode("ascii") + _BOM + message.content
    return b"%d " % len(whole) + whole


def send_frames(
    frames: Iterable[bytes], context: ssl.SSLContext, host: str, port: int, *, timeout_s: float
) -> None:
    """Send frames to a receiver, and see that it has read them all.

    Parameters
    ----------
    timeout_s : for connecting with handshake, for each write, and for the end

    Raises
    ------
    PeerUnreachable
        It is not there, is not who it should be, or ended before it had read everything. Any part
        of the frames may have arrived.
    """
    where: dict[str, Fact] = {"host": host, "port": port}
    try:
        begun = time.monotonic()
        with (
            socket.create_connection((host, port), timeout=timeout_s) as plain,
            context.wrap_socket(plain, server_hostname=host) as connection,
        ):
            agreed = time.monotonic()
            ends_at = agreed + _LONGEST_S
            for frame in frames:
                connection.sendall(frame)
                if time.monotonic() > ends_at:
                    raise TimeoutError("it takes too long over what it reads")
            # A busy receiver was slow to shake hands, and is slow to look at the certificate.
            _see_that_it_stays(connection, max(_STAYS_S, 2 * (agreed - begun)))
            _take_leave(connection, timeout_s)
    except ssl.SSLCertVerificationError as error:
        raise PeerUnreachable(
            "The certificate of the audit repository cannot be trusted: look at host, "
            "audit.repository.tls.ca_file and crl_file",
            reason=error.verify_message,
            **where,
        ) from error
    except ssl.SSLError as error:
        raise PeerUnreachable(
            "There is no TLS connection with the audit repository: does it speak TLS at this port, "
            "and trust our certificate?",
            reason=error.reason or type(error).__name__,
            **where,
        ) from error
    except OSError as error:
        raise PeerUnreachable(
            "The audit repository does not answer, or broke off",
            reason=error.strerror or type(error).__name__,
            **where,
        ) from error


def _see_that_it_stays(connection: ssl.SSLSocket, span_s: float) -> None:
    """Wait for a receiver that leaves before it was told that nothing more comes."""
    connection.settimeout(span_s)
    with contextlib.suppress(TimeoutError):
        if not connection.recv(_READ_BYTES):
            raise ConnectionResetError(None, "it closed the connection before the end")


def _take_leave(connection: ssl.SSLSocket, timeout_s: float) -> None:
    """Say that nothing more comes, and wait until the other side says the same.

    Some receivers close the connection without a close_notify of their own. An orderly end of TCP
    means the same: with something unread, the system would send a reset in its place.
    """
    deadline = time.monotonic() + timeout_s
    connection.settimeout(timeout_s)
    with contextlib.suppress(ssl.SSLEOFError, ssl.SSLZeroReturnError):
        # unwrap sends our close_notify, reads what still comes, and waits for theirs
        plain = connection.unwrap()
        plain.settimeout(max(0.1, deadline - time.monotonic()))
        with contextlib.suppress(TimeoutError):  # both have taken leave: who hangs up is no matter
            plain.recv(_READ_BYTES)
