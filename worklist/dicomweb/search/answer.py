"""The answer to a search: records in a steady order, the newest study first, page by page.

PS3.18 Section 10.6.3 and 8.3.4.4 (limit, offset and the warning about results that were left out),
8.3.4.2 (fuzzy matching, which is told to be literal). Rows narrow a search as far as they can; then
files are read, and so many at most that one search cannot keep the disk busy.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from starlette.responses import Response

from database.session import query
from database.views.held_instances import StudyFilter, held_instances, held_studies
from worklist.dicomweb.accepted import DICOM_JSON
from worklist.dicomweb.holdings import HeldFile, file_of
from worklist.dicomweb.refusal import RequestRefused
from worklist.dicomweb.search.matching import matches
from worklist.dicomweb.search.question import Level, Question
from worklist.dicomweb.search.records import (
    Headers,
    Record,
    by_series,
    instance_record,
    series_record,
    study_record,
)
from worklist.page.screens import PageContext

_STUDIES_AT_A_TIME: Final = 25
_MOST_FILES: Final = 10_000
_MOST_BYTES: Final = 32 << 20  # of an answer: the header of one segmentation may be a megabyte
_NOT_FUZZY: Final = (
    "The fuzzymatching parameter is not supported. Only literal matching has been performed."
)
_MORE: Final = (
    "The number of results exceeded the maximum supported by the server. "
    "Additional results can be requested."
)
_NOT_ALL_LOOKED_AT: Final = (
    "Only the newest studies were looked at. Narrow the search by StudyInstanceUID, PatientID or "
    "AccessionNumber."
)
_DAMAGED: Final = "Files that could not be read were left out: the log names them."
_PATIENT_ID, _ACCESSION_NUMBER = "00100020", "00080050"


class Search:
    """One search, while it is answered.

    Attributes
    ----------
    gave_up : so many files were looked at that it ended before the last study
    is_damaged : a file could not be read, and is left out
    """

    def __init__(self, context: PageContext, question: Question, root: str) -> None:
        self._context = context
        self._question = question
        self._root = root
        self._headers = Headers(question, root)
        self._looked_at = 0
        self.gave_up = False
        self.is_damaged = False

    def found(self) -> Iterator[Record]:
        """Every record that matches."""
        keys = self._question.keys
        for files in self._studies():
            for make in self._records(files):
                try:
                    record = make()
                except RequestRefused:  # the log has it; one file must not end every search
                    self.is_damaged = True
                    continue
                if matches(record, keys):
                    yield record

    def _studies(self) -> Iterator[list[HeldFile]]:
        """The files of each study that the rows let pass."""
        question, before = self._question, None
        wanted = StudyFilter(
            question.study_instance_uids,
            self._literal(_PATIENT_ID),
            self._literal(_ACCESSION_NUMBER),
        )
        while True:
            with query(self._context.engine) as session:
                studies = held_studies(session, wanted, before=before, most=_STUDIES_AT_A_TIME)
                uids = [one.study_instance_uid for one in studies]
                held = held_instances(session, uids, only_here=True)
            for study in studies:
                instances = held[study.study_instance_uid]
                files = [one for item in instances if (one := file_of(self._context, item))]
                if files:
                    yield files
                else:  # or rows without files would be gone through to the last of them
                    self._looked_at += 1
                if self._looked_at > _MOST_FILES and not question.within.study:
                    self.gave_up = True
                    return
            if len(studies) < _STUDIES_AT_A_TIME:
                return
            before = studies[-1].study_id

    def _records(self, files: list[HeldFile]) -> Iterator[Callable[[], Record]]:
        """What makes each record of a study, of the level that is asked for."""
        question, root = self._question, self._root
        series = by_series(files)
        if question.level is Level.STUDY:
            self._looked_at += len(series)
            yield partial(study_record, self._headers, files, root)
            return
        levels: list[Level] = [question.level]
        if not question.within.study:
            levels.append(Level.STUDY)
        if question.level is Level.INSTANCE and not question.within.series:
            levels.append(Level.SERIES)
        for uid, of_series in series.items():
            if question.within.series not in ("", uid):
                continue
            if question.level is Level.SERIES:
                self._looked_at += 1
                yield partial(series_record, self._headers, of_series, root, levels)
                continue
            for one in of_series:
                self._looked_at += 1
                yield partial(instance_record, self._headers, one, root, levels)

    def _literal(self, tag: str) -> str:
        key = self._question.key(tag)
        return key.value if key is not None else ""


def search_answer(context: PageContext, question: Question, root: str) -> Response:
    """Answer a search: 200 with records, or 204 where there are none."""
    search = Search(context, question, root)
    records: list[bytes] = []
    size, more, is_full = 0, False, False
    for number, record in enumerate(search.found()):
        if number < question.offset:
            continue
        if len(records) >= question.limit:
            more = True
            break
        if size > _MOST_BYTES:
            is_full = True
            break
        records.append(json.dumps(dict(sorted(record.items())), allow_nan=False).encode())
        size += len(records[-1])
    warnings = [
        text
        for text, applies in (
            (_NOT_FUZZY, question.fuzzy),
            (_MORE, is_full or (more and not question.is_limited)),
            (_NOT_ALL_LOOKED_AT, search.gave_up),
            (_DAMAGED, search.is_damaged),
        )
        if applies
    ]
    headers = {"Warning": ", ".join(f'299 firstread "{one}"' for one in warnings)}
    if not records:
        return Response(status_code=204, headers=headers if warnings else None)
    return Response(
        b"[" + b", ".join(records) + b"]",
        media_type=DICOM_JSON,
        headers=headers if warnings else None,
    )
