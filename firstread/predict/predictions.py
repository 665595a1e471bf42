"""Makes a prediction for each study and slice that paths name, and reports failures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image

from firstread.choose_bundle import bundle_entries, choose_bundle, with_threads
from firstread.predict.find_inputs import PredictedKind, PredictInput, find_inputs
from firstread.predict.read_context import read_context
from firstread.say import shown_steps
from models.catalogue import UsableBundle
from models.readers.open_reader import open_reader, open_slice_reader
from models.readers.slice_reader import SliceReader
from models.readers.study_reader import StudyReader
from radiology.clinical import ClinicalContext
from radiology.errors import FirstreadError, NoSuitableSeries, SettingsRefused
from settings.environment import Settings
from worker.predict.instance_file import read_valid_instances
from worker.predict.on_step import OnStep
from worker.predict.predict_slice import predict_slice
from worker.predict.predict_study import predict_study
from worker.predict.read_slice_file import slice_of_instance, slice_of_picture

Answer = tuple[dict[str, Any], Image.Image | None]

_PICTURE_ENDINGS = frozenset({".png", ".jpg", ".jpeg"})


@dataclass(frozen=True)
class PredictOptions:
    """What the options of the command chose.

    Attributes
    ----------
    bundle : name, or name@version; None for the one in the settings
    bundles : the folder to look in; None for the one in the settings
    picture : where the picture goes; None for none. With several answers each gets its number
    heat : whether a study's picture shows where the classifier looked
    threads : of the CPU; 0 for what the settings say
    clinical : file with clinical values of the patient; None for none
    earlier : file with an answer for an earlier study of the patient; None for none
    """

    bundle: str | None = None
    bundles: Path | None = None
    picture: Path | None = None
    heat: bool = False
    threads: int = 0
    clinical: Path | None = None
    earlier: Path | None = None


class Predictor:
    """Reads studies and slices with one bundle; a network is loaded when it is first needed.

    Attributes
    ----------
    context : what was given of the one patient; None for nothing
    """

    def __init__(
        self,
        bundle: UsableBundle,
        settings: Settings,
        options: PredictOptions,
        context: ClinicalContext | None,
    ) -> None:
        self.bundle = bundle
        self.context = context
        self._settings = settings
        self._picture = options.picture is not None
        self._heat = options.heat

    @cached_property
    def _studies(self) -> StudyReader:
        return open_reader(
            self.bundle,
            provider=self._settings.execution_provider,
            threads=self._settings.inference_threads,
        )

    @cached_property
    def _slices(self) -> SliceReader:
        return open_slice_reader(
            self.bundle,
            threads=self._settings.inference_threads,
            provider=self._settings.execution_provider,
        )

    def study(self, files: Sequence[Path], on_step: OnStep) -> Answer:
        """Answer for the instances of one study."""
        return predict_study(
            files,
            self._studies,
            context=self.context,
            picture=self._picture,
            heat=self._heat,
            language=self._settings.language,
            on_step=on_step,
        )

    def instance(self, path: Path) -> Answer:
        """Answer for a CT instance with one frame."""
        (found,) = read_valid_instances([path])
        return predict_slice(slice_of_instance(found), self._slices, picture=self._picture)

    def picture(self, path: Path) -> Answer:
        """Answer for a slice in a picture file."""
        return predict_slice(slice_of_picture(path), self._slices, picture=self._picture)


def predict_paths(
    paths: Sequence[Path], options: PredictOptions, settings: Settings
) -> tuple[dict[str, Any], bool]:
    """Answer for each study and slice in each path, whatever becomes of the others.

    Returns
    -------
    The JSON object, and whether everything that was found has an answer.

    Raises
    ------
    SettingsRefused, BundleRejected, ClinicalValuesRefused
        Nothing can be answered: no usable bundle, nowhere to put a picture, or nothing that can be
        made of what was given of the patient.
    """
    given = bool(options.clinical or options.earlier)
    if given and len(paths) > 1:
        raise _not_for_several(f"{len(paths)} paths")
    _check_picture(options.picture)
    bundle = choose_bundle(options.bundle, options.bundles, settings)
    context = read_context(options.clinical, options.earlier, bundle)
    predictor = Predictor(bundle, with_threads(settings, options.threads), options, context)
    with TemporaryDirectory(prefix="firstread-predict-") as folder:
        with shown_steps("Looking through", len(paths)) as steps:
            inputs = []
            for number, path in enumerate(paths):
                unpacked = Path(folder) / str(number)
                inputs += find_inputs(path, unpacked, settings.uploads, steps.step)
                steps.next()
        if given and len(inputs) > 1:
            raise _not_for_several(f"the {len(inputs)} studies of {paths[0]}")
        predictions = _predictions(inputs, options, predictor)
    return {"predictions": predictions}, all("error" not in one for one in predictions)


def _predictions(
    inputs: Sequence[PredictInput], options: PredictOptions, predictor: Predictor
) -> list[dict[str, Any]]:
    targets = _picture_files(options.picture, len(inputs))
    predictions = []
    with shown_steps("Reading", len(inputs)) as steps:
        for one, target in zip(inputs, targets, strict=True):
            predictions.append(_prediction(one, target, predictor, steps.step))
            steps.next()
    return predictions


def _prediction(
    found: PredictInput, target: Path | None, predictor: Predictor, on_step: OnStep
) -> dict[str, Any]:
    entries: dict[str, Any] = {
        "path": str(found.path),
        "kind": found.kind,
        "study_instance_uid": found.study_instance_uid,
        "left_out_files": found.left_out_files,
        **bundle_entries(predictor.bundle),
    }
    try:
        answer, picture = _answer(found, predictor, on_step)
        entries["answer"] = answer
        if target is not None:
            entries["picture"] = _saved(picture, target)
    except FirstreadError as error:
        entries.pop("answer", None)
        entries["error"] = {
            "kind": error.kind,
            "message": error.message,
            "facts": dict(error.facts),
            "reasons": list(error.reasons) if isinstance(error, NoSuitableSeries) else [],
        }
    return entries


def _answer(found: PredictInput, predictor: Predictor, on_step: OnStep) -> Answer:
    if found.error is not None:
        raise found.error
    if found.kind is PredictedKind.STUDY:
        return predictor.study(found.files, on_step)
    if predictor.context is not None:
        raise SettingsRefused(
            "--clinical and --earlier are for a study: severity is not judged from one slice"
        )
    (path,) = found.files
    return predictor.instance(path) if found.is_instance else predictor.picture(path)


def _not_for_several(what: str) -> SettingsRefused:
    return SettingsRefused(
        f"--clinical and --earlier belong to one study of one patient, not to {what}; "
        "predict each by itself"
    )


def _check_picture(wanted: Path | None) -> None:
    """Before anything is read: whether a picture can be written where it is wanted."""
    if wanted is None:
        return
    if wanted.suffix.lower() not in _PICTURE_ENDINGS:
        raise SettingsRefused(f"The picture {wanted} needs a name that ends in .png or .jpg")
    try:
        wanted.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(wanted, error) from error


def _picture_files(wanted: Path | None, count: int) -> list[Path | None]:
    """Where each picture goes: the file itself, or numbered ones where there are several."""
    if wanted is None:
        return [None] * count
    if count == 1:
        return [wanted]
    digits = len(str(count))
    return [
        wanted.with_name(f"{wanted.stem}-{number:0{digits}d}{wanted.suffix}")
        for number in range(1, count + 1)
    ]


def _saved(picture: Image.Image | None, target: Path) -> str | None:
    """Write a picture; None where there is none to write, since no lungs were found."""
    if picture is None:
        return None
    try:
        picture.save(target, quality=92)  # of JPEG; PNG has no such thing
    except OSError as error:
        raise _unwritable(target, error) from error
    return str(target)


def _unwritable(path: Path, error: OSError) -> SettingsRefused:
    return SettingsRefused(f"The picture {path} cannot be written: {error.strerror}")
