"""Reads a study, encodes its objects, proves and writes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chest.answer.make import answer_of
from chest.course.known_lesions import lesions_by_name
from chest.reader import Reader
from firstread.choose_bundle import bundle_entries, choose_bundle
from firstread.find_instances import files_of_study
from firstread.read_chest_study import ReadStudy, read_chest_study
from firstread.say import console, shown_steps
from radiology.clinical import ClinicalContext
from radiology.encoding_profile import EncodingChoice, EncodingProfile
from radiology.errors import SettingsRefused
from settings.environment import Settings
from worker.encode import EncodedObject, encode_results, plan_results, prove_objects
from worker.keep.encode_study import StudyToEncode, result_context
from worker.keep.keep_results import bytes_of


@dataclass(frozen=True)
class EncodeOptions:
    """What the options of the command chose.

    Attributes
    ----------
    switches : attributes of `EncodingChoice` that were given
    to : the folder that is written to
    bundle, bundles, threads : as for `firstread predict`
    """

    profile: EncodingProfile
    switches: Mapping[str, Any]
    to: Path
    bundle: str | None = None
    bundles: Path | None = None
    threads: int = 0

    @property
    def choice(self) -> EncodingChoice:
        """What a destination with these settings would get.

        Raises
        ------
        SettingsRefused
            The options contradict each other, as they would in the settings.
        """
        choice = EncodingChoice(profile=self.profile, **self.switches)
        contradiction = choice.contradiction(self.switches.keys())
        if contradiction is not None:
            raise SettingsRefused(f"The options contradict each other: {contradiction}")
        return choice


def encode_objects(path: Path, options: EncodeOptions, settings: Settings) -> dict[str, Any]:
    """Write the objects of one study; returns what was written, as plain values.

    Raises
    ------
    Refused
        The study cannot be read, the options contradict each other, or nothing can be written.
    ResultMismatch
        An object does not agree with its source; nothing is written.
    """
    choice = options.choice
    folder = _writable(options.to)
    bundle = choose_bundle(options.bundle, options.bundles, settings)
    with shown_steps("Reading", 1) as steps:
        reader = Reader.of(
            bundle,
            provider=settings.execution_provider,
            threads=options.threads or settings.inference_threads,
        )
        study = read_chest_study(files_of_study(path), reader, steps.step)
    written = _written(study, choice, folder, settings)
    console.print(f"{len(written)} objects written to {folder}", markup=False)
    return {
        "study": str(path),
        **bundle_entries(bundle),
        "outcome": study.reading.outcome.value,
        "urgency": study.triage.urgency.value if study.triage else None,
        "objects": written,
    }


def _written(
    study: ReadStudy, choice: EncodingChoice, folder: Path, settings: Settings
) -> list[dict[str, Any]]:
    paths = [study.decoded.paths[frame.sop_instance_uid] for frame in study.volume.frames]
    context = result_context(
        StudyToEncode(
            paths=paths,
            volume=study.volume,
            reading=answer_of(study.reading, study.volume, study.triage, ClinicalContext()),
            triage=study.triage,
            content_datetime=datetime.now(UTC),
            result_version=1,
            known_lesions=lesions_by_name(study.reading, study.series.study_instance_uid),
        ),
        settings,
    )
    made = encode_results(context, plan_results(context, choice))
    contents = [bytes_of(one) for one in made]
    prove_objects(context, made, contents, paths)
    return [_write(folder, one, content) for one, content in zip(made, contents, strict=True)]


def _write(folder: Path, made: EncodedObject, content: memoryview) -> dict[str, Any]:
    """Write one object under the name of its recipe."""
    path = folder / f"{made.recipe.replace(':', '-')}.dcm"
    try:
        path.write_bytes(content)
    except OSError as error:
        raise SettingsRefused(f"{path} cannot be written: {error.strerror}") from error
    dataset = made.dataset
    return {
        "recipe": made.recipe,
        "sop_class_uid": str(dataset.SOPClassUID),
        "sop_instance_uid": str(dataset.SOPInstanceUID),
        "series_instance_uid": str(dataset.SeriesInstanceUID),
        "transfer_syntax_uid": str(dataset.file_meta.TransferSyntaxUID),
        "size_bytes": len(content),
        "file": str(path),
    }


def _writable(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsRefused(f"The folder {folder} cannot be made: {error.strerror}") from error
    return folder
