"""`firstread predict` on a study, and uploads: its answer as JSON, and its key picture."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from PIL import Image

from models.readers.study_reader import StudyReader, StudyToRead
from radiology.clinical import ClinicalContext
from radiology.image.series import SeriesHeader
from radiology.language import Language
from radiology.urgency import Triage
from worker.encode import ShownReading, render_key_picture
from worker.predict.check_order import check_order
from worker.predict.decode_study_files import decode_study_files
from worker.predict.on_step import OnStep

Prediction = tuple[dict[str, Any], Image.Image | None]
"""The answer as plain values, and the picture if it is wanted and there is something to show."""


def predict_study(
    files: Iterable[Path],
    reader: StudyReader,
    *,
    context: ClinicalContext | None,
    picture: bool,
    heat: bool,
    language: Language,
    on_step: OnStep,
) -> Prediction:
    """Read one study.

    Parameters
    ----------
    files : DICOM instances of one study
    context : what was given of the patient beside the study; None for nothing
    picture, heat : whether the key picture is wanted, and the heat maps on it
    language : of the picture

    Raises
    ------
    Refused
        The study cannot be read; the kind says why. Or the prior measurement is not prior.
    """
    given = context or ClinicalContext()

    def on_series(series: SeriesHeader) -> None:
        if given.prior is not None:
            check_order(given.prior, series.acquired_at)

    decoded = decode_study_files(files, reader.bundle, on_step, on_series=on_series)
    read = reader.read_alone(
        StudyToRead(decoded.series, decoded.volume, given),
        lambda done, total: on_step("Looking at slices", done, total),
    )
    answer = {**_urgency(read.triage), **decoded.facts(read.reading.key_slice), **read.facts}
    shown = ShownReading(
        decoded.volume, read.reading, read.triage, version("firstread"), language=language
    )
    if not picture or not shown.can_be_shown:
        return answer, None
    return answer, render_key_picture(shown, heat=heat)


def _urgency(triage: Triage | None) -> dict[str, Any]:
    return {
        "urgency": triage.urgency.value if triage else None,
        "urgency_rule": triage.rule if triage else None,
    }
