"""Writes a reading to files: reads source headers, encodes objects, makes them durable on disk."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from PIL import Image

from radiology.answer.reading import Reading
from radiology.answer.tracking import Tracking
from radiology.earlier import EarlierImages
from radiology.encoding_profile import EncodingChoice
from radiology.image.volume import Volume
from radiology.urgency import Triage
from settings.environment import Settings
from storage.kept_files import kept_files
from worker.encode import (
    EarlierReports,
    ResultContext,
    encode_results,
    plan_results,
    prove_objects,
    render_key_picture,
    united,
)
from worker.keep.begin_encoding import BegunEncoding, PackSlice, read_headers
from worker.keep.durable_files import StagedFiles, Write
from worker.keep.keep_results import KeptObject, bytes_of, keep_heat_maps, keep_object, keep_picture
from worker.keep.keep_slices import keep_slices, packed_slices


@dataclass(frozen=True)
class StudyToEncode:
    """One reading and where it came from.

    Attributes
    ----------
    paths : files of the instances that the volume was decoded from, one per slice
    content_datetime : the same each time that the job is tried
    begun : what was made of it while it was read
    earlier, lesion_places : as in `ShownReading`
    known_lesions, accession_number : as in `ResultContext`
    """

    paths: Collection[Path]
    volume: Volume
    reading: Reading
    triage: Triage | None
    content_datetime: datetime
    result_version: int
    earlier_reports: EarlierReports = field(default_factory=EarlierReports)
    earlier: EarlierImages | None = None
    known_lesions: Mapping[tuple[int, int], Tracking] = field(default_factory=dict)
    lesion_places: Mapping[int, tuple[float, float, float]] = field(default_factory=dict)
    accession_number: str = ""
    begun: BegunEncoding | None = None


@dataclass(frozen=True, slots=True)
class EncodedStudy:
    """What was made of a reading.

    Attributes
    ----------
    objects : in the order in which they are to be sent
    recipes : by destination, of the objects that it gets
    picture : path of the key picture within the results folder; None where nothing can be shown
    """

    objects: tuple[KeptObject, ...] = ()
    recipes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    picture: str | None = None


def encode_study(
    study: StudyToEncode, settings: Settings, *, delivered: bool = True
) -> EncodedStudy:
    """Encode and keep what the destinations want of a result, each distinct object once.

    Without a destination it is what one would get by default. No object and no picture where
    nothing can be shown. Beside the picture lie the slices (`.slices.zip`) and, where there are
    heat maps, these (`.heat.npz`) and a picture with them (`.heat.png`).

    Parameters
    ----------
    delivered : whether destinations get the objects; otherwise they are only kept

    Raises
    ------
    ResultMismatch
        An object does not agree with its source; nothing is kept.
    SpoolFull
        There is no room left.
    """
    context = result_context(study, settings)
    if not context.can_be_shown:
        return EncodedStudy()
    folder = settings.results_folder
    # Beside the objects, which keep the interpreter busy: drawing, packing and writing let go of
    # its lock. No file has its name before the objects are proved. docs/decisions/0055
    with StagedFiles(kept_files(settings)) as files, ThreadPoolExecutor(2) as beside:
        picture = beside.submit(render_key_picture, context)
        slices = None
        if settings.study_page.keep_slices:
            pack_slice = None if study.begun is None else study.begun.pack_slice
            slices = beside.submit(_keep_slices, folder, context, files.write, pack_slice)
        pictures = beside.submit(_keep_pictures, folder, context, picture, files.write)
        destinations = settings.destinations if delivered else ()
        plans = {one.name: plan_results(context, one.encoding) for one in destinations}
        recipes = united(plans.values() if plans else [plan_results(context, EncodingChoice())])
        made = encode_results(context, recipes, picture=picture.result)
        contents = [bytes_of(one) for one in made]
        prove_objects(context, made, contents, study.paths)
        objects = [
            keep_object(folder, encoded, content, write=files.write)
            for encoded, content in zip(made, contents, strict=True)
        ]
        kept = pictures.result()
        if slices is not None:
            slices.result()
    return EncodedStudy(
        objects=tuple(objects),
        recipes={name: tuple(one.word for one in plan) for name, plan in plans.items()},
        picture=kept,
    )


def result_context(study: StudyToEncode, settings: Settings) -> ResultContext:
    """A reading with its source, as encoding wants it."""
    return ResultContext(
        headers=read_headers(study.paths) if study.begun is None else study.begun.headers(),
        volume=study.volume,
        reading=study.reading,
        triage=study.triage,
        content_datetime=study.content_datetime,
        software_version=version("firstread"),
        device_serial_number=settings.ae_title,
        result_version=study.result_version,
        earlier_reports=study.earlier_reports,
        earlier=study.earlier,
        most_tracked_lesions=settings.most_tracked_lesions,
        accession_number=study.accession_number,
        known_lesions=study.known_lesions,
        lesion_places=study.lesion_places,
        language=settings.language,
    )


def _name_of_pictures(context: ResultContext) -> str:
    return f"{context.source.study_instance_uid}/{context.uid('picture')}"


def _keep_pictures(
    folder: Path, context: ResultContext, picture: Future[Image.Image], write: Write
) -> str:
    """Keep the key picture, and the heat maps if there are any; returns its path."""
    name, heat_maps = _name_of_pictures(context), context.reading.heat_maps
    if heat_maps:
        keep_heat_maps(folder, name, heat_maps, write=write)
        heated = render_key_picture(context, heat=True)
        keep_picture(folder, f"{name}.heat", heated, write=write)
    return keep_picture(folder, name, picture.result(), write=write)


def _keep_slices(
    folder: Path, context: ResultContext, write: Write, pack_slice: PackSlice | None
) -> None:
    packed = packed_slices(context, pack_slice)
    if packed is not None:
        keep_slices(folder, _name_of_pictures(context), packed, write=write)
