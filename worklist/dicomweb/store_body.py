"""The body of a STOW-RS request: files of DICOM, from the network to the node's door.

RFC 2046 Section 5.1 (multipart), PS3.18 Section 10.5.1 and 8.7.3 (media types). Parts are never
held in memory: the door writes them to disk as they come. What the sender says in the headers of a
part is bounded, and so is the number of parts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser

from dicom_node.receive.stow_door import FileAnswer, IncomingFile
from radiology.errors import DataSetUnreadable
from worklist.dicomweb.accepted import ANY, DICOM, MULTIPART, parameters_of
from worklist.dicomweb.refusal import RequestRefused, wrong
from worklist.page.part_header import PartHeader

_MOST_PARTS: Final = 20_000  # an Enhanced CT is one, a study of thin slices some thousand
_MOST_HEADERS, _MOST_HEADER_BYTES = 8, 1024  # of one part, of one header
_LONGEST_BOUNDARY: Final = 200  # RFC 2046 Section 5.1.1 has 70, Orthanc 1.10 sends 73
_CUT = "The body of the request ends within a part, or is no multipart/related."


class StoreBody:
    """Takes the bytes of a body as they come.

    Parameters
    ----------
    open_file : begins the next file

    Attributes
    ----------
    answers : what became of each file so far

    Raises
    ------
    RequestRefused
        415: the request is of another media type. 400: it names no boundary.
    """

    def __init__(self, content_type: str, open_file: Callable[[], IncomingFile]) -> None:
        self.answers: list[FileAnswer] = []
        self._open_file = open_file
        self._file: IncomingFile | None = None
        self._kind = ""
        self._header = PartHeader()
        self._ended = False
        kind, parameters = parameters_of(content_type)
        inner = parameters.get("type", DICOM).lower()
        if kind != MULTIPART or inner not in (DICOM, ANY):
            raise RequestRefused(
                415, 'Instances are stored as multipart/related; type="application/dicom".'
            )
        boundary = parameters.get("boundary", "")
        if not 0 < len(boundary) <= _LONGEST_BOUNDARY or not boundary.isascii():
            raise wrong(
                "The Content-Type of the request names no boundary, or one that is too long."
            )
        self._parser = MultipartParser(
            boundary.encode(),
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
            max_header_count=_MOST_HEADERS,
            max_header_size=_MOST_HEADER_BYTES,
        )

    def take(self, batch: bytes) -> None:
        """Parse and write a piece.

        Raises
        ------
        RequestRefused
            400, 413: it is no body that can be read. Files that had come whole are stored.
        """
        try:
            self._parser.write(batch)
        except FormParserError as error:
            raise wrong(_CUT) from error

    def end(self) -> None:
        """Everything has come.

        Raises
        ------
        RequestRefused
            400: the body ends within a part, or there is none in it.
        """
        if not self._ended:  # the parser itself does not mind
            raise wrong(_CUT)
        if not self.answers:
            raise wrong("There is no instance in the request.")

    def discard(self) -> None:
        """Forget a file that has not come whole."""
        if self._file is not None:
            self._file.discard()
            self._file = None

    # --- what the parser tells -------------------------------------------------------------------

    def _on_part_begin(self) -> None:
        if len(self.answers) >= _MOST_PARTS:
            raise RequestRefused(413, f"A request has at most {_MOST_PARTS} instances.")
        self._kind = DICOM
        self._header.take()  # of a part before it, nothing is left over

    def _on_header_end(self) -> None:
        name, value = self._header.take()
        if name == b"content-type":
            self._kind = parameters_of(value.decode("latin-1"))[0]

    def _on_headers_finished(self) -> None:
        self._file = self._open_file()

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._file is not None and self._kind == DICOM:
            self._file.write(data[start:end])

    def _on_part_end(self) -> None:
        file, self._file = self._file, None
        assert file is not None  # a part has headers, if none are in them
        if self._kind == DICOM:
            self.answers.append(file.end())
        else:
            fault = DataSetUnreadable("A part of the request is no application/dicom")
            self.answers.append(file.refuse(fault))

    def _on_end(self) -> None:
        self._ended = True
