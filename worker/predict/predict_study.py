"""`firstread predict` on a study, and uploads: its answer as JSON, and its key picture."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from PIL import Image

from chest.answer.make import answer_of
from chest.judge_severity import stated_values
from chest.reader import Reader, acquisition_of
from models.readers.study_reader import StudyReader, StudyToRead
from radiology.answer.reading import Reading
from radiology.answer.stored_reading import to_facts
from radiology.clinical import ClinicalContext
from radiology.image.volume import Volume
from radiology.language import Language
from radiology.urgency import Triage
from worker.encode import ShownReading, render_key_picture
from worker.predict.decode_study_files import decode_study_files
from worker.predict.on_step import OnStep
from worker.predict.read_study_files import read_study_files

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
        The study cannot be read; the kind says why.
    """
    given = context or ClinicalContext()

    def drawn(reading: Reading, volume: Volume, triage: Triage | None) -> Image.Image | None:
        shown = ShownReading(volume, reading, triage, version("firstread"), language=language)
        return render_key_picture(shown, heat=heat) if picture and shown.can_be_shown else None

    if isinstance(reader, Reader):
        study = read_study_files(files, reader, on_step, context=context)
        answer = {
            **_urgency(study.triage),
            **study.decoded.facts(study.reading.key_slice),
            "context": given.facts(stated_values(acquisition_of(study.series))),
            **study.reading.facts(),
        }
        told = answer_of(study.reading, study.volume, study.triage, given)
        return answer, drawn(told, study.volume, study.triage)
    decoded = decode_study_files(files, reader.bundle, on_step)
    read = reader.read_study(
        StudyToRead(decoded.series, decoded.volume, given),
        lambda done, total: on_step("Looking at slices", done, total),
    )
    answer = {
        **_urgency(read.triage),
        **decoded.facts(read.reading.key_slice),
        **to_facts(read.reading),
    }
    return answer, drawn(read.reading, decoded.volume, read.triage)


def _urgency(triage: Triage | None) -> dict[str, Any]:
    return {
        "urgency": triage.urgency.value if triage else None,
        "urgency_rule": triage.rule if triage else None,
    }
