"""One upload as it stands: what it waits for, what was found, and why what was not read was not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from database.session import query
from database.states import UploadState
from database.views.upload_rows import UploadFacts, upload_facts
from models.older_readings import reading_if_readable
from models.schema_2.rows import stored_slice
from radiology.answer.reading import Reading
from radiology.answer.slice_in_words import SliceInWords
from worklist.page.not_found import UploadNotFound
from worklist.page.screens import PageContext, Screen, make_part
from worklist.reading.case_lines import case_lines
from worklist.reading.clinical_scores import scores_of_study
from worklist.reading.figures import (
    found_in_words,
    gate_lines,
    possible_lines,
    suspicion_threshold,
    table_lines,
)
from worklist.words.stored_words import reason_words
from worklist.words.translations import translated, translated_row
from worklist.words.verdict import Kind, gates_in_words

_STEPS = {
    "": "Starting",
    "unpacking": "Looking through the files",
    "decoding": "Checking whether the images can be decoded",
    "Headers": "Reading the headers",
    "Decoding slices": "Decoding the slices",
    "Looking at slices": "The networks look at the slices",
}
_ENDED = (UploadState.ANSWERED, UploadState.REFUSED, UploadState.FAILED)
ADVICE: Mapping[str, str] = {
    Kind.NOT_ASSESSABLE: (
        "There is no answer, and that is no negative: read the images as usual, or upload the "
        "original series."
    ),
    Kind.REFUSED: "Correct what stands beside the files, or choose others, and upload them again.",
    Kind.FAILED: (
        "Upload it once more. If it fails again, the administrator finds the reason in the log."
    ),
}
"""What to do where there is no answer."""
_SLICE = "slice"  # a kind of its own, without a shape: a slice is neither urgent nor routine


@dataclass(frozen=True, slots=True)
class UploadLine:
    """What the head of the page says."""

    facts: UploadFacts
    kind: str
    word: str
    found: tuple[str, ...]
    reason: str
    advice: str
    step: str
    ended: bool


def upload_screen(context: PageContext, token: str) -> Screen:
    """One upload as it stands now.

    Raises
    ------
    UploadNotFound
        There is none.
    """
    with query(context.engine) as session:
        found = upload_facts(session, token)
    if found is None:
        raise UploadNotFound
    answer = found.answer or {}
    of_study = answer if found.kind == "study" else {}
    reading = reading_if_readable(of_study) if of_study else None
    of_slice = stored_slice(answer) if found.kind == "slice" and answer else None
    line = _line(found, reading, of_slice)
    parts: dict[str, tuple[str, dict[str, object]]] = {
        "head": ("upload/head.html", {"line": line}),
        "picture": (
            "upload/picture.html",
            {"token": token, "picture": found.picture, "kind": found.kind, "ended": line.ended},
        ),
        "slice": (
            "upload/slice.html",
            {"slice": of_slice if of_slice and of_slice.assessable else None},
        ),
        "figures": (
            "reading/figures.html",
            {
                "table": table_lines(reading),
                "possible": possible_lines(reading),
                "suspicion": reading.suspicion.value if reading and reading.suspicion else None,
                "threshold": suspicion_threshold(reading),
                "rule": of_study.get("urgency_rule") or "",
                "kind": line.kind,
                "withdrawn": False,
            },
        ),
        "case": (
            "reading/case.html",
            {"case": case_lines(reading), "unreadable": False, "withdrawn": False},
        ),
        "severity": (
            "reading/severity.html",
            {"scores": scores_of_study(reading), "withdrawn": False},
        ),
        "gates": ("reading/gates.html", {"gates": gate_lines(reading), "withdrawn": False}),
        "refusals": (
            "upload/refusals.html",
            {"refusals": found.refusals, "files": found.files, "ended": line.ended},
        ),
    }
    return Screen(
        title=translated("Upload: %(answer)s", answer=translated(line.word)),
        parts=tuple(
            make_part(context.templates, template, key, **values)
            for key, (template, values) in parts.items()
        ),
    )


def _line(found: UploadFacts, reading: Reading | None, of_slice: SliceInWords | None) -> UploadLine:
    kind, word, reason = _verdict(found, reading, of_slice)
    return UploadLine(
        facts=found,
        kind=kind,
        word=word,
        found=_found(found, reading, of_slice),
        reason=reason[:1].upper() + reason[1:],
        advice=translated(ADVICE[kind]) if kind in ADVICE else "",
        step=_STEPS.get(found.step, ""),
        ended=found.state in _ENDED,
    )


def _verdict(
    found: UploadFacts, reading: Reading | None, of_slice: SliceInWords | None
) -> tuple[str, str, str]:
    """Kind, word and reason."""
    if found.state is UploadState.REFUSED:
        return Kind.REFUSED, "Refused", reason_words(found.error_kind, found.error_message)
    if found.state is UploadState.FAILED:
        return Kind.FAILED, "Failed", reason_words(found.error_kind, found.error_message)
    if found.state is not UploadState.ANSWERED or found.answer is None:
        return Kind.PENDING, "In progress", ""
    if of_slice is not None:
        return _verdict_of_slice(of_slice)
    urgency = found.answer.get("urgency")
    if urgency is None:
        reason = "" if reading is None else gates_in_words(reading.failed_gates, reading.report)
        return Kind.NOT_ASSESSABLE, "Not assessable", reason
    kind = Kind(urgency)
    return kind, kind.value.capitalize(), ""


def _verdict_of_slice(read: SliceInWords) -> tuple[str, str, str]:
    if not read.assessable:
        return Kind.NOT_ASSESSABLE, "Not assessable", translated_row(read.reason)
    return _SLICE, "One slice was read", ""


def _found(
    found: UploadFacts, reading: Reading | None, of_slice: SliceInWords | None
) -> tuple[str, ...]:
    if of_slice is not None:
        return tuple(translated_row(one) for one in of_slice.found)
    return found_in_words(reading) if found.answer else ()
