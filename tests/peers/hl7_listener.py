"""A receiver of HL7 messages: the listener of the package `hl7`, which is not ours.

It runs in a thread of its own and answers as it is told: as it should, with a refusal, late, never,
in pieces, or with something else.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

import hl7
from hl7.mllp import start_hl7_server


class Behaviour(Enum):
    """What it does with one message."""

    ACCEPT = auto()
    COMMIT = auto()  # CA, as in enhanced mode
    ERROR = auto()  # AE
    REJECT = auto()  # AR
    REJECT_IN_WORDS = auto()  # AR, with reasons in MSA-3 and ERR-8
    ACCEPT_IN_LATIN = auto()  # AA, in a character set whose name is none of Table 0211
    LOCKED = auto()  # AR because of a locked record: a condition that passes
    SILENT = auto()
    TAKE_AND_BREAK = auto()  # the message is kept, and the connection closed without an answer
    BREAK_IN_ANSWER = auto()
    WRONG_ID = auto()
    LATE_AND_RIGHT = auto()  # an answer to an earlier message, then the right one
    GARBAGE = auto()
    NO_FRAME = auto()
    NO_ACKNOWLEDGEMENT = auto()  # a proper message that is no ACK
    BY_BYTES = auto()
    ENDLESS = auto()  # an answer without an end
    ACCEPT_AND_CLOSE = auto()


@dataclass
class ReceivedMessages:
    """The listener, and what it took.

    Attributes
    ----------
    script : what it does with the next messages; afterwards it accepts
    """

    port: int = 0
    script: deque[Behaviour] = field(default_factory=deque)
    messages: list[hl7.Message] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    connections: int = 0

    @property
    def control_ids(self) -> list[str]:
        """MSH-10 of each message, in the order of arrival."""
        return [str(message.segment("MSH")(10)) for message in self.messages]

    @property
    def distinct(self) -> dict[str, str]:
        """What a receiver keeps that knows a repetition by its control id."""
        return dict(zip(self.control_ids, self.texts, strict=True))


class _Listener:
    def __init__(self, received: ReceivedMessages, tls: ssl.SSLContext | None) -> None:
        self._received = received
        self._tls = tls
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[Any]] = set()
        self.thread = threading.Thread(target=self._run, name="hl7-peer", daemon=True)
        self.thread.start()
        assert self._ready.wait(10)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self.thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            start_hl7_server(self._serve, "127.0.0.1", 0, ssl=self._tls, encoding="utf-8")
        )
        self._received.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        server.close()
        self._loop.run_until_complete(asyncio.gather(*asyncio.all_tasks(self._loop)))
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    async def _serve(self, reader: Any, writer: Any) -> None:
        self._received.connections += 1
        # ConnectionError: our client hung up; CancelledError: the test is over.
        with contextlib.suppress(
            ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError
        ):
            while not writer.is_closing():
                message = await reader.readmessage()
                self._received.messages.append(message)
                self._received.texts.append(str(message))
                script = self._received.script
                await self._answer(
                    script.popleft() if script else Behaviour.ACCEPT, message, writer
                )
        with contextlib.suppress(ConnectionError):
            writer.close()

    async def _answer(self, behaviour: Behaviour, message: hl7.Message, writer: Any) -> None:
        codes = {
            Behaviour.ACCEPT: "AA",
            Behaviour.COMMIT: "CA",
            Behaviour.ERROR: "AE",
            Behaviour.REJECT: "AR",
            Behaviour.ACCEPT_AND_CLOSE: "AA",
        }
        right = str(message.create_ack("AA"))
        if behaviour in codes:
            writer.writemessage(message.create_ack(codes[behaviour]))
        elif behaviour is Behaviour.LOCKED:
            writer.writeblock(
                (str(message.create_ack("AR")) + "ERR|||206^locked^HL70357|E\r").encode()
            )
        elif behaviour is Behaviour.REJECT_IN_WORDS:
            refusal = str(message.create_ack("AR")).rstrip("\r") + "|Order not found\r"
            error = "ERR|||204^unknown key^HL70357|E||||no order for Doe, Jane\r"
            writer.writeblock((refusal + error).encode())
        elif behaviour is Behaviour.ACCEPT_IN_LATIN:
            head, rest = right.split("\r", 1)
            head = head + "|" * (18 - head.count("|") - 1) + "ISO-8859-1"
            writer.writeblock(f"{head}\r{rest}".rstrip("\r").encode() + "|für\r".encode("latin-1"))
        elif behaviour in (Behaviour.WRONG_ID, Behaviour.LATE_AND_RIGHT):
            other = message.create_ack("AA")
            other.segment("MSA")[2] = "SOME-OTHER"
            writer.writemessage(other)
            if behaviour is Behaviour.LATE_AND_RIGHT:
                writer.writemessage(message.create_ack("AA"))
        elif behaviour is Behaviour.GARBAGE:
            writer.writeblock(b"\xff\x00 this is no message")
        elif behaviour is Behaviour.NO_FRAME:
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        elif behaviour is Behaviour.NO_ACKNOWLEDGEMENT:
            writer.writemessage(message)
        elif behaviour is Behaviour.BY_BYTES:
            for byte in b"\x0b" + right.encode() + b"\x1c\x0d":
                writer.write(bytes([byte]))
                await writer.drain()
        elif behaviour is Behaviour.BREAK_IN_ANSWER:
            writer.write(b"\x0b" + right.encode()[:20])
        elif behaviour is Behaviour.ENDLESS:
            writer.write(b"\x0b" + b"MSH|" * 50_000)
        await writer.drain()
        if behaviour in (
            Behaviour.TAKE_AND_BREAK,
            Behaviour.BREAK_IN_ANSWER,
            Behaviour.ACCEPT_AND_CLOSE,
        ):
            writer.close()


@contextlib.contextmanager
def hl7_listener(
    *script: Behaviour, tls: ssl.SSLContext | None = None
) -> Iterator[ReceivedMessages]:
    """A running listener that does with its first messages what `script` says."""
    received = ReceivedMessages(script=deque(script))
    listener = _Listener(received, tls)
    try:
        yield received
    finally:
        listener.stop()
