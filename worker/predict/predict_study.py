"""`firstread predict` on a study: its answer as JSON, and its key picture."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from PIL import Image

from chest.answer.make import answer_of
from chest.judge_severity import stated_values
from chest.reader import Reader, acquisition_of
from radiology.chest.severity import ClinicalContext
from radiology.language import Language
from worker.encode import ShownReading, render_key_picture
from worker.predict.on_step import OnStep
from worker.predict.read_study_files import ReadStudy, read_study_files


def predict_study(
    files: Iterable[Path],
    reader: Reader,
    *,
    context: ClinicalContext | None,
    picture: bool,
    heat: bool,
    language: Language,
    on_step: OnStep,
) -> tuple[dict[str, Any], Image.Image | None]:
    """Read one study.

    Parameters
    ----------
    files : DICOM instances of one study
    context : what was given of the patient beside the study; None for nothing
    picture, heat : whether the key picture is wanted, and where the classifier looked on it
    language : of the picture

    Returns
    -------
    The answer as plain values, and the picture if it is wanted; there is none without lungs.

    Raises
    ------
    Refused
        The study cannot be read; the kind says why.
    """
    study = read_study_files(files, reader, on_step, context=context)
    answer = {
        "urgency": study.triage.urgency.value if study.triage else None,
        "urgency_rule": study.triage.rule if study.triage else None,
        **_series(study),
        "context": (context or ClinicalContext()).facts(
            stated_values(acquisition_of(study.series))
        ),
        **study.reading.facts(),
    }
    return answer, _picture(study, context, language, heat=heat) if picture else None


def _series(study: ReadStudy) -> dict[str, Any]:
    """Which series was read, and where the key slice is found; UIDs and figures, no names."""
    key = study.reading.key_slice
    frame = None if key is None else study.volume.frames[key]
    return {
        "series_instance_uid": study.series.series_instance_uid,
        "slices": study.volume.shape[0],
        "spacing_mm": list(study.volume.spacing_mm),
        "key_instance": None if frame is None else asdict(frame),
        "series": [asdict(one) for one in study.selection.decisions],
    }


def _picture(
    study: ReadStudy, context: ClinicalContext | None, language: Language, *, heat: bool
) -> Image.Image | None:
    given = context or ClinicalContext()
    shown = ShownReading(
        volume=study.volume,
        reading=answer_of(study.reading, study.volume, study.triage, given),
        triage=study.triage,
        software_version=version("firstread"),
        language=language,
    )
    return render_key_picture(shown, heat=heat) if shown.can_be_shown else None
