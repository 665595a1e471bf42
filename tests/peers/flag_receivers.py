"""Systems that are told of urgent studies: a web service and a mail server that also misbehave."""

from __future__ import annotations

import json
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass(frozen=True)
class Received:
    """One request as it came."""

    headers: dict[str, str]
    body: bytes

    @property
    def said(self) -> dict[str, Any]:
        """The JSON of the body."""
        parsed: dict[str, Any] = json.loads(self.body)
        return parsed


Behaviour = Callable[[BaseHTTPRequestHandler], None]


def answers_with(status: int, body: bytes = b"", **headers: str) -> Behaviour:
    """Answer with a status and a body."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.send_header("content-length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    return answer


def breaks_off(request: BaseHTTPRequestHandler) -> None:
    """Read the request and close the connection without a word."""
    with suppress(OSError):
        request.connection.shutdown(socket.SHUT_RDWR)


def hangs_until(ended: threading.Event) -> Behaviour:
    """Never answer."""

    def hang(request: BaseHTTPRequestHandler) -> None:
        ended.wait(60)

    return hang


def drips(request: BaseHTTPRequestHandler, ended: threading.Event | None = None) -> None:
    """Answer one byte at a time, without end."""
    pause = ended or threading.Event()
    with suppress(OSError):
        request.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
        while not pause.wait(0.05):
            request.wfile.write(b" ")
            request.wfile.flush()


def answers_twice(request: BaseHTTPRequestHandler) -> None:
    """Two answers to one request."""
    answers_with(200)(request)
    answers_with(500)(request)


@dataclass
class WebReceiver:
    """A web service; `behaviours` answer in turn, the last one for ever."""

    port: int
    received: list[Received] = field(default_factory=list)
    behaviours: list[Behaviour] = field(default_factory=lambda: [answers_with(204)])
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/flags"

    @property
    def once_each(self) -> list[Received]:
        """What is left when repetitions are dropped by their id."""
        return list({one.headers["webhook-id"]: one for one in self.received}.values())


@contextmanager
def running_web_receiver(*behaviours: Behaviour) -> Iterator[WebReceiver]:
    """Start a web service on a free port of this machine, and stop it at the end."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.received.append(Received(headers, body))
            self.close_connection = True
            behaviour = receiver.behaviours[0]
            if len(receiver.behaviours) > 1:
                receiver.behaviours.pop(0)
            behaviour(self)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """A caller that went away is no error of the service."""

    server = Server(("127.0.0.1", 0), Handler)
    receiver = WebReceiver(server.server_address[1])
    if behaviours:
        receiver.behaviours = list(behaviours)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class MailReceiver:
    """A mail server, and what it has taken; `refusals` says no to a recipient."""

    port: int = 0
    taken: list[Message] = field(default_factory=list)
    refusals: dict[str, str] = field(default_factory=dict)
    data_answers: list[str] = field(default_factory=list)

    async def handle_RCPT(
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        """Take a recipient, or not."""
        if address in self.refusals:
            return self.refusals[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Take the message, or not."""
        if self.data_answers:
            return self.data_answers.pop(0)
        assert isinstance(envelope.content, bytes)
        self.taken.append(message_from_bytes(envelope.content, policy=default))
        return "250 Taken"


def password_of(user: str, password: str) -> Callable[..., AuthResult]:
    """An authenticator that knows one person."""

    def check(
        server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: LoginPassword
    ) -> AuthResult:
        known = (given.login, given.password) == (user.encode(), password.encode())
        return AuthResult(success=known, handled=False)

    return check


@contextmanager
def running_mail_receiver(
    *, tls: ssl.SSLContext | None = None, authenticator: Callable[..., AuthResult] | None = None
) -> Iterator[MailReceiver]:
    """Start aiosmtpd on a free port of this machine, and stop it at the end."""
    receiver = MailReceiver()
    controller = Controller(
        receiver,
        hostname="127.0.0.1",
        port=_free_port(),
        tls_context=tls,
        require_starttls=tls is not None,
        authenticator=authenticator,
        auth_required=authenticator is not None,
    )
    controller.start()
    receiver.port = controller.port
    try:
        yield receiver
    finally:
        controller.stop()


@contextmanager
def running_silent_server(greeting: bytes = b"", *, drip: bool = False) -> Iterator[int]:
    """A server that says one thing and then nothing, or drips; gives its port."""
    ended = threading.Event()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                self.request.sendall(greeting)
                while not ended.wait(0.05):
                    if drip:
                        self.request.sendall(b"2")

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        ended.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
