"""A form with files, from the network to the disk: counted while it comes, never held in memory.

RFC 7578 (multipart/form-data). Names and types that the sender gives its files are dropped: files
are called by their numbers. Parsing and writing happen in threads, a megabyte at a time, so that
everybody else's page is answered meanwhile.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool

from radiology.errors import FirstreadError, SpoolFull, UploadRefused
from settings.uploads import UploadLimits
from worklist.page.part_header import PartHeader

_BATCH_BYTES = 1_000_000
_MOST_FIELDS, _MOST_FIELD_BYTES = 20, 10_000
_LONGEST_BOUNDARY = 70  # RFC 2046 Section 5.1.1


@dataclass
class Received:
    """What has come so far, kept or not."""

    files: int = 0
    size_bytes: int = 0
    fault: FirstreadError | None = None  # why it is not kept


async def receive_files(
    request: Request,
    folder: Path,
    limits: UploadLimits,
    *,
    min_free_bytes: int,
    check_fields: Callable[[Mapping[str, str]], None],
) -> Received:
    """Write every file of a form to `folder/<number>`, counted from 1.

    Whatever is wrong with the files ends up in `fault`; the rest of the form is then read and
    dropped, because a browser shows no answer before it has sent everything.

    Parameters
    ----------
    check_fields : given the fields that stand before the first file, before any file is kept; what
        it raises ends the transfer

    Raises
    ------
    ClientDisconnect
        The sender went away.
    """
    form = _Form(folder, limits, min_free_bytes, check_fields)
    try:
        form.begin(request.headers.get("content-type", ""))
    except UploadRefused as error:
        form.received.fault = error
        return form.received
    try:
        async with asyncio.timeout(limits.receive_s):
            async for batch in _batches(request.stream()):
                await run_in_threadpool(form.take, batch)
                if form.received.size_bytes > 2 * limits.most_bytes:
                    break  # nobody waits for an answer any more
            await run_in_threadpool(form.end)
    except TimeoutError:
        form.received.fault = UploadRefused("The transfer took too long", limit_s=limits.receive_s)
    finally:
        form.close()
    return form.received


async def _batches(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    gathered = bytearray()
    async for piece in stream:
        gathered += piece
        if len(gathered) >= _BATCH_BYTES:
            yield bytes(gathered)
            gathered.clear()
    if gathered:
        yield bytes(gathered)


class _Form:
    """Takes the bytes of a form as they come."""

    def __init__(
        self,
        folder: Path,
        limits: UploadLimits,
        min_free_bytes: int,
        check_fields: Callable[[Mapping[str, str]], None],
    ) -> None:
        self.received = Received()
        self._folder = folder
        self._limits = limits
        self._min_free_bytes = min_free_bytes
        self._check_fields = check_fields
        self._fields: dict[str, str] = {}
        self._checked = False
        self._ended = False
        self._header = PartHeader()
        self._disposition = b""
        self._field: tuple[str, bytearray] | None = None
        self._file: BinaryIO | None = None
        self._parser: MultipartParser | None = None

    def begin(self, content_type: str) -> None:
        """Read what kind of form it is."""
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary", b"")
        if kind != b"multipart/form-data" or not 0 < len(boundary) <= _LONGEST_BOUNDARY:
            raise UploadRefused("What was sent is not a form with files")
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._on_part_begin,
                "on_header_field": self._header.add_name,
                "on_header_value": self._header.add_value,
                "on_header_end": self._on_header_end,
                "on_headers_finished": self._on_headers_finished,
                "on_part_data": self._on_part_data,
                "on_part_end": self._on_part_end,
                "on_end": self._on_end,
            },
        )

    def take(self, batch: bytes) -> None:
        """Parse and write a piece; what is wrong with it is kept as `received.fault`."""
        self.received.size_bytes += len(batch)
        if self.received.fault is not None:
            return
        try:
            self._check_size()
            assert self._parser is not None
            self._parser.write(batch)
        except FormParserError:
            self._refuse(UploadRefused("The form is damaged"))
        except (UploadRefused, SpoolFull) as error:
            self._refuse(error)
        except OSError:
            self._refuse(SpoolFull("There is no room for uploads"))

    def end(self) -> None:
        """Everything has come."""
        if self.received.fault is not None:
            return
        self._check_once()
        if not self._ended:  # the last file may lack its end; the parser itself does not mind
            self._refuse(UploadRefused("The form is damaged"))
        elif not self.received.files:
            self._refuse(UploadRefused("There was no file in it"))

    def close(self) -> None:
        """Close the file that is open."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _refuse(self, error: FirstreadError) -> None:
        self.received.fault = error
        self.close()

    def _check_size(self) -> None:
        limit = self._limits.most_bytes
        if self.received.size_bytes > limit:
            raise UploadRefused("The upload is larger than is allowed", limit=limit)
        if shutil.disk_usage(self._folder).free < self._min_free_bytes:
            raise SpoolFull("There is no room for uploads; studies come first")

    def _check_once(self) -> None:
        if not self._checked:
            self._checked = True
            self._check_fields(self._fields)

    # --- what the parser tells -------------------------------------------------------------------

    def _on_end(self) -> None:
        self._ended = True

    def _on_part_begin(self) -> None:
        self._disposition = b""
        self._header.take()  # of a part before it, nothing is left over

    def _on_header_end(self) -> None:
        name, value = self._header.take()
        if name == b"content-disposition":
            self._disposition = value

    def _on_headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        if b"filename" not in options:
            name = options.get(b"name", b"").decode(errors="replace")
            self._field = (name, bytearray())
            return
        if not options[b"filename"]:
            return  # a browser's way to say that no file was chosen
        self._check_once()
        if self.received.files >= self._limits.most_files:
            raise UploadRefused("These are too many files", limit=self._limits.most_files)
        self.received.files += 1
        self._file = (self._folder / str(self.received.files)).open("xb")

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._file is not None:
            self._file.write(data[start:end])
        elif self._field is not None:
            _, value = self._field
            if len(value) + end - start > _MOST_FIELD_BYTES:
                raise UploadRefused("A field of the form is too long")
            value.extend(data[start:end])

    def _on_part_end(self) -> None:
        self.close()
        if self._field is None:
            return
        name, value = self._field
        self._field = None
        if len(self._fields) >= _MOST_FIELDS:
            raise UploadRefused("The form has too many fields")
        self._fields[name] = value.decode(errors="replace")
