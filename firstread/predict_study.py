"""`firstread predict` on a study: its answer as JSON, and its key picture."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from PIL import Image

from firstread.read_study_files import ReadStudy, read_study_files
from firstread.say import OnStep
from worker.encode import ShownReading, render_key_picture
from worker.infer_findings import Reader


def predict_study(
    files: Iterable[Path], reader: Reader, *, picture: bool, heat: bool, on_step: OnStep
) -> tuple[dict[str, Any], Image.Image | None]:
    """Read one study.

    Parameters
    ----------
    files : DICOM instances of one study
    picture, heat : whether the key picture is wanted, and where the classifier looked on it

    Returns
    -------
    The answer as plain values, and the picture if it is wanted; there is none without lungs.

    Raises
    ------
    Refused
        The study cannot be read; the kind says why.
    """
    study = read_study_files(files, reader, on_step)
    answer = {
        "urgency": study.triage.urgency.value if study.triage else None,
        "urgency_rule": study.triage.rule if study.triage else None,
        **_series(study),
        **study.reading.facts(),
    }
    return answer, _picture(study, heat=heat) if picture else None


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


def _picture(study: ReadStudy, *, heat: bool) -> Image.Image | None:
    shown = ShownReading(
        volume=study.volume,
        reading=study.reading,
        triage=study.triage,
        software_version=version("firstread"),
    )
    return render_key_picture(shown, heat=heat) if shown.has_lungs else None
