"""`firstread models compare`: two bundles read the same studies, picture by picture."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from evaluation.report.page import Page, ReportPicture, ReportTable, Section, render_page
from firstread.choose_bundle import bundle_entries
from firstread.find_instances import files_of_study
from firstread.models.make_bundle import find_folder
from firstread.say import console, shown_steps
from models.catalogue import UsableBundle, read_any_bundle
from models.readers.open_reader import open_reader
from radiology.clinical import ClinicalContext
from radiology.errors import FirstreadError, SettingsRefused
from settings.environment import Settings
from worker.predict.predict_study import predict_study

_WIDTH_PX = 900  # of a picture on the page; two stand beside each other
_HEAD = ("study", "bundle", "answer", "urgency", "gates not passed")


def compare_models(
    settings: Settings, old: str, new: str, studies: Sequence[Path], report: Path
) -> dict[str, Any]:
    """Read each study with both bundles, and write a page with both answers beside each other.

    Parameters
    ----------
    old, new : folders, or NAME/VERSION among the bundles and the candidates
    studies : folders with the DICOM instances of one study each
    report : where the HTML page goes

    Returns
    -------
    For each study both answers, or why there is none.

    Raises
    ------
    SettingsRefused, BundleRejected
        A bundle is not there or not usable, or the page cannot be written.
    """
    bundles = [read_any_bundle(find_folder(settings, one)) for one in (old, new)]
    answers: list[dict[str, Any]] = [{"path": str(one)} for one in studies]
    pictures: list[list[Image.Image | None]] = [[] for _ in studies]
    # One bundle after the other: only one set of networks is in memory.
    with shown_steps("Reading", 2 * len(studies)) as steps:
        for side, bundle in zip(("old", "new"), bundles, strict=True):
            reader = open_reader(
                bundle,
                provider=settings.execution_provider,
                threads=settings.inference_threads,
            )
            for answer, drawn, study in zip(answers, pictures, studies, strict=True):
                try:
                    answer[side], picture = predict_study(
                        files_of_study(study),
                        reader,
                        context=ClinicalContext(),
                        picture=True,
                        heat=False,
                        language=settings.language,
                        on_step=steps.step,
                    )
                    drawn.append(picture)
                except FirstreadError as error:
                    console.print(f"{study}: {error.kind}: {error}", markup=False)
                    answer[side] = {"error": {"kind": error.kind, "message": error.message}}
                    drawn.append(None)
                steps.next()
    page = _page(bundles, answers, pictures)
    try:
        report.write_text(render_page(page), encoding="utf-8")
    except OSError as error:
        raise SettingsRefused(f"The report {report} cannot be written: {error.strerror}") from error
    console.print(f"Report: {report}", markup=False)
    return {
        "old": bundle_entries(bundles[0]),
        "new": bundle_entries(bundles[1]),
        "studies": answers,
    }


def _page(
    bundles: Sequence[UsableBundle],
    answers: Sequence[Mapping[str, Any]],
    pictures: Sequence[Sequence[Image.Image | None]],
) -> Page:
    names = [f"{one.name}/{one.version}" for one in bundles]
    rows = [
        (Path(answer["path"]).name, name, *_in_words(answer[side]))
        for answer in answers
        for side, name in zip(("old", "new"), names, strict=True)
    ]
    shown = [
        Section(
            heading=Path(answer["path"]).name,
            notes=[_difference(answer)],
            pictures=[
                ReportPicture(_address(picture), f"Key picture of {name}", name, small=True)
                for name, picture in zip(names, drawn, strict=True)
                if picture is not None
            ],
        )
        for answer, drawn in zip(answers, pictures, strict=True)
    ]
    return Page(
        title="Two bundles on the same studies",
        facts=[
            (side, f"{name}, {one.digest}")
            for side, name, one in zip(("Old", "New"), names, bundles, strict=True)
        ],
        figures=(),
        sections=[
            Section("Answers", tables=[ReportTable("Answers of both bundles", _HEAD, rows)]),
            *shown,
        ],
    )


def _in_words(answer: Mapping[str, Any]) -> tuple[str, str, str]:
    """Outcome, urgency, and the gates that were not passed."""
    if "error" in answer:
        return f"{answer['error']['kind']}: {answer['error']['message']}", "–", "–"
    missed = [one["name"] for one in answer.get("gates", ()) if not one["passed"]]
    outcome = str(answer.get("outcome", "")).replace("_", " ")
    return outcome, answer.get("urgency") or "–", ", ".join(missed) or "–"


def _difference(answer: Mapping[str, Any]) -> str:
    """Whether both bundles say the same, and how urgent."""
    old, new = (_in_words(answer[side])[:2] for side in ("old", "new"))
    if old == new:
        return f"Both: {new[0]}, {new[1]}."
    return f"{old[0]}, {old[1]} → {new[0]}, {new[1]}."


def _address(picture: Image.Image) -> str:
    """A picture as a data URL, small enough for a page of many."""
    height = round(picture.height * _WIDTH_PX / picture.width)
    buffer = io.BytesIO()
    picture.convert("RGB").resize((_WIDTH_PX, height)).save(buffer, "JPEG", quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
