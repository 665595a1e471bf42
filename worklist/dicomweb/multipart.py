"""An answer of several parts, written one after the other: nothing waits in memory for the rest.

RFC 2046 Section 5.1, RFC 2387 (multipart/related), PS3.18 Section 8.6.1.2.
"""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from starlette.responses import StreamingResponse

_LINE = b"\r\n"


@dataclass(frozen=True, slots=True)
class AnswerPart:
    """One part.

    Attributes
    ----------
    content_type : of the part alone
    location : its address; "" for none
    content : its bytes, in pieces
    """

    content_type: str
    content: Iterable[bytes]
    location: str = ""


def multipart_answer(
    parts: Iterable[AnswerPart], *, kind: str, status: int = 200
) -> StreamingResponse:
    """An answer of multipart/related.

    Parameters
    ----------
    kind : media type of the parts
    """
    boundary = secrets.token_hex(16)  # 128 bits: no part holds it
    return StreamingResponse(
        begun(_written(parts, boundary.encode())),
        status_code=status,
        headers={"Content-Type": f'multipart/related; type="{kind}"; boundary={boundary}'},
    )


def begun(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same pieces, the first of them made now: what is wrong with it can still be answered."""
    first = next(pieces, b"")
    return itertools.chain((first,), pieces)


def _written(parts: Iterable[AnswerPart], boundary: bytes) -> Iterator[bytes]:
    for part in parts:
        head = [b"--" + boundary, b"Content-Type: " + part.content_type.encode("ascii")]
        if part.location:
            head.append(b"Content-Location: " + part.location.encode("ascii"))
        yield _LINE.join(head) + _LINE + _LINE
        yield from part.content
        yield _LINE
    yield b"--" + boundary + b"--" + _LINE
