"""One upload as it stands: what it waits for, what was found, and why what was not read was not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chest.values.case_answer import PneumoniaType
from database.session import query
from database.states import UploadState
from database.views.upload_rows import UploadFacts, upload_facts
from models.declared.sign import Sign
from models.older_readings import reading_if_readable
from radiology.answer.reading import Reading
from worklist.page.not_found import UploadNotFound
from worklist.page.screens import PageContext, Screen, make_part
from worklist.reading.case_lines import case_lines
from worklist.reading.clinical_scores import scores_of_study
from worklist.reading.figures import (
    found_in_words,
    gate_lines,
    suspicion_threshold,
    table_lines,
)
from worklist.words.stored_words import reason_words
from worklist.words.translations import translated, translated_row
from worklist.words.verdict import Kind

_STEPS = {
    "": "Starting",
    "unpacking": "Looking through the files",
    "decoding": "Trying whether the images can be decoded",
    "Headers": "Reading the headers",
    "Decoding slices": "Decoding the slices",
    "Looking at slices": "The networks look at the slices",
}
_ENDED = (UploadState.ANSWERED, UploadState.REFUSED, UploadState.FAILED)
_SLICE = "slice"  # a kind of its own, without a shape: a slice is neither urgent nor routine


@dataclass(frozen=True, slots=True)
class SliceLine:
    """What one slice shows, as the page says it.

    Attributes
    ----------
    areas : what, in pixels, in mm² (None where the file does not say how large a pixel is)
    """

    share_percent: float
    areas: tuple[tuple[str, int, float | None], ...]
    viral_words: str
    viral_probability: float | None
    viral_limits: tuple[float, float] | None
    signs: tuple[tuple[str, float, bool], ...]


@dataclass(frozen=True, slots=True)
class UploadLine:
    """What the head of the page says."""

    facts: UploadFacts
    kind: str
    word: str
    found: tuple[str, ...]
    reason: str
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
    line = _line(found, reading)
    parts: dict[str, tuple[str, dict[str, object]]] = {
        "head": ("upload/head.html", {"line": line}),
        "picture": (
            "upload/picture.html",
            {"token": token, "picture": found.picture, "kind": found.kind, "ended": line.ended},
        ),
        "slice": (
            "upload/slice.html",
            {"slice": _slice_line(answer) if found.kind == "slice" else None},
        ),
        "figures": (
            "reading/figures.html",
            {
                "table": table_lines(reading),
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
        title=f"Upload: {line.word}",
        parts=tuple(
            make_part(context.templates, template, key, **values)
            for key, (template, values) in parts.items()
        ),
    )


def _line(found: UploadFacts, reading: Reading | None) -> UploadLine:
    kind, word, reason = _verdict(found, reading)
    return UploadLine(
        facts=found,
        kind=kind,
        word=word,
        found=_found(found, reading),
        reason=reason,
        step=_STEPS.get(found.step, ""),
        ended=found.state in _ENDED,
    )


def _verdict(found: UploadFacts, reading: Reading | None) -> tuple[str, str, str]:
    """Kind, word and reason."""
    if found.state is UploadState.REFUSED:
        return Kind.REFUSED, "Refused", reason_words(found.error_kind, found.error_message)
    if found.state is UploadState.FAILED:
        return Kind.FAILED, "Failed", reason_words(found.error_kind, found.error_message)
    if found.state is not UploadState.ANSWERED or found.answer is None:
        return Kind.PENDING, "In progress", ""
    answer = found.answer
    if found.kind == "slice":
        return _verdict_of_slice(answer)
    if answer.get("urgency") is None:
        gates = [gate.reason for gate in gate_lines(reading) if not gate.passed and not gate.warns]
        return Kind.NOT_ASSESSABLE, "Not assessable", "; ".join(gates)
    kind = Kind(answer["urgency"])
    return kind, kind.value.capitalize(), ""


def _verdict_of_slice(answer: Mapping[str, Any]) -> tuple[str, str, str]:
    if not answer.get("assessable"):
        reason = translated_row(str(answer.get("reason") or ""))
        return Kind.NOT_ASSESSABLE, "Not assessable", reason
    return _SLICE, "One slice was read", ""


def _found(found: UploadFacts, reading: Reading | None) -> tuple[str, ...]:
    answer = found.answer
    if not answer:
        return ()
    if found.kind == "study":
        return found_in_words(reading)
    if not answer.get("assessable"):
        return ()
    share = f"{answer['lesion_share_percent']:.1f} %"
    return (translated("Lesions cover %(share)s of the lung in this slice", share=share),)


def _slice_line(answer: Mapping[str, Any]) -> SliceLine | None:
    if not answer.get("assessable"):
        return None
    viral = answer.get("viral") or {}
    in_mm2 = answer.get("area_mm2") or {}
    names = ("lung", "lesion", "ground_glass", "consolidation")
    return SliceLine(
        share_percent=float(answer["lesion_share_percent"]),
        areas=tuple(
            (name.replace("_", " ").capitalize(), answer["area_pixels"][name], in_mm2.get(name))
            for name in names
            if name in answer["area_pixels"]
        ),
        viral_words=_capital(PneumoniaType(viral["type"]).words) if viral else "",
        viral_probability=viral.get("probability"),
        viral_limits=(viral["low"], viral["high"]) if viral else None,
        signs=tuple(
            (_capital(Sign(one["sign"]).words), one["probability"], one["present"])
            for one in answer.get("signs") or ()
        ),
    )


def _capital(words: str) -> str:
    """Words in the reader's language, the first letter large."""
    return translated(words).capitalize()
