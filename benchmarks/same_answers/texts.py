"""Finds where texts and PDF documents differ."""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Iterator

from benchmarks.same_answers.values import shown, without_version

_STREAM = re.compile(rb"stream\r?\n(.*?)\s*endstream", re.DOTALL)
_ASIDE_IN_PDF = re.compile(
    rb"/(CreationDate|ModDate) ?\([^)]*\)|\[<\w+><\w+>\]|/Length \d+|xref\s.*?trailer"
    rb"|startxref\s+\d+",
    re.DOTALL,
)


def compare_documents(before: bytes, after: bytes) -> Iterator[str]:
    """Say in which stream two PDFs differ and from which line on; stream 0 is what is around."""
    first, second = _streams(before), _streams(after)
    if len(first) != len(second):
        yield f"PDF: {len(first) - 1} streams → {len(second) - 1}"
    for number, (text, other) in enumerate(zip(first, second, strict=False)):
        for difference in compare_texts(text, other):
            yield f"PDF: stream {number}: {difference}"


def _streams(pdf: bytes) -> list[str]:
    around = _ASIDE_IN_PDF.sub(b"", _STREAM.sub(b"stream", pdf))
    return [one.decode("latin-1") for one in (around, *map(_inflated, _STREAM.findall(pdf)))]


def _inflated(stream: bytes) -> bytes:
    """What a stream holds, if it is deflated, in ASCII or not; otherwise as it is."""
    try:
        packed = base64.a85decode(stream, adobe=True) if stream.endswith(b"~>") else stream
        return zlib.decompress(packed)
    except (ValueError, zlib.error):
        return stream


def compare_texts(before: str, after: str) -> Iterator[str]:
    """Say where the first line that differs stands."""
    first, second = (without_version(text).split("\n") for text in (before, after))
    if len(first) != len(second):
        yield f"{len(first)} lines → {len(second)}"
    for number, (line, other) in enumerate(zip(first, second, strict=False), start=1):
        if line != other:
            yield f"line {number}: {shown(line)} → {shown(other)}"
            return
