"""Two bundles read one study in a worker: two results that share nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom import Dataset, dcmread
from sqlalchemy import select

from database.session import query
from database.states import JobState, StudyState
from database.tables.study.analysis import Job, Result, Study
from models.schema_2.bundle import Bundle, read_bundle
from phantom import EXTENSIVE_LESIONS, Phantom, make_phantom, phantom_grid
from phantom.identity import StudyIdentity
from phantom.study import write_phantom_study
from radiology.identity import derived_uid
from settings.environment import read_settings
from tests.builders.bundles import accepts, write_bundle
from tests.builders.chest.truth_reader import TruthReader, TruthReaders
from tests.builders.dicom.spooled import ReadingRoom
from worker.pipeline import analyse_one

CHEST, OTHER, HEAD = "chest-ct-pneumonia", "chest-ct-second", "head-ct-test"
SHAPE = (48, 64, 80)
_OWN = ("112040", "121012")  # Tracking Unique Identifier, Device Observer UID


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Bundle]:
    """Three bundles: two that read a chest, and one that reads a head."""
    root = tmp_path_factory.mktemp("bundles")
    head = accepts("BodyPartExamined", "HEAD")
    return {
        name: read_bundle(write_bundle(root, name=name, accepting=accepting))
        for name, accepting in ((CHEST, ""), (OTHER, ""), (HEAD, head))
    }


@pytest.fixture(scope="module")
def phantom() -> Phantom:
    """Give a coarse chest with many lesions."""
    grid = phantom_grid(SHAPE, (288.0 / SHAPE[0], 358.0 / SHAPE[1], 358.0 / SHAPE[2]))
    return make_phantom(grid=grid, lesions=EXTENSIVE_LESIONS, twigs=20)


def _room(folder: Path, phantom: Phantom, *bundles: Bundle) -> ReadingRoom:
    """A worker that has these bundles in use, with the study of the phantom."""
    settings = read_settings(data_folder=folder, bundles=[one.name for one in bundles])
    uid = StudyIdentity.of(phantom).uid("study")
    readers = [TruthReader(one, phantoms={uid: phantom}) for one in bundles]
    room = ReadingRoom(settings, readers[0])
    room.equipment.__dict__["readers"] = TruthReaders(settings, *readers)
    return room


def _as_head(path: Path) -> Path:
    """The same image once more, as one of a series of the head."""
    image = dcmread(path)
    image.SeriesInstanceUID = derived_uid("head", str(image.SeriesInstanceUID))
    image.SOPInstanceUID = derived_uid("head", str(image.SOPInstanceUID))
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    image.BodyPartExamined = "HEAD"
    image.SeriesDescription = image.ProtocolName = "Head"
    target = path.with_name(f"head-{path.name}")
    image.save_as(target)
    return target


def _results(room: ReadingRoom) -> dict[str, Result]:
    with query(room.engine) as session:
        found = {one.bundle: one for one in session.scalars(select(Result))}
        for one in found.values():
            assert one.objects
            assert one.job.decisions
        return found


def _uids(dataset: Dataset) -> Iterator[str]:
    """Every UID of our own in an object: instance, series, and whatever is tracked."""
    yield str(dataset.SOPInstanceUID)
    yield str(dataset.SeriesInstanceUID)
    for element in dataset.iterall():
        if element.keyword == "TrackingUID":
            yield str(element.value)
        if element.keyword != "ContentSequence":
            continue
        for item in element.value:  # of the report
            concept = item.get("ConceptNameCodeSequence")
            if concept and concept[0].CodeValue in _OWN:
                yield str(item.UID)


def _own_uids(room: ReadingRoom, result: Result) -> set[str]:
    folder = room.settings.results_folder
    return {uid for one in result.objects for uid in _uids(dcmread(folder / one.path))}


def test_each_bundle_reads_the_series_that_it_accepts(
    tmp_path: Path, bundles: dict[str, Bundle], phantom: Phantom
) -> None:
    """A study of chest and head gets two results, each of its own series."""
    room = _room(tmp_path, phantom, bundles[CHEST], bundles[HEAD])
    identity = StudyIdentity.of(phantom)
    uid = identity.uid("study")
    chest = write_phantom_study(phantom, room.settings.spool_folder / uid, identity=identity)
    room.take(uid, [*chest, *map(_as_head, chest)])
    assert analyse_one(room.equipment)
    assert analyse_one(room.equipment)
    assert not analyse_one(room.equipment)
    results = _results(room)
    read = {
        bundle: [one.series_instance_uid for one in result.job.decisions if one.chosen]
        for bundle, result in results.items()
    }
    series = str(dcmread(chest[0], specific_tags=["SeriesInstanceUID"]).SeriesInstanceUID)
    assert read == {CHEST: [series], HEAD: [derived_uid("head", series)]}
    assert {result.job.bundle_version for result in results.values()} == {"2.0.0"}


def test_no_uid_and_no_file_is_of_two_bundles(
    tmp_path: Path, bundles: dict[str, Bundle], phantom: Phantom
) -> None:
    """Of the very same images, with the very same lesions."""
    room = _room(tmp_path, phantom, bundles[CHEST], bundles[OTHER])
    room.receive(phantom, StudyIdentity.of(phantom))
    assert analyse_one(room.equipment)
    assert analyse_one(room.equipment)
    results = _results(room)
    first, second = (_own_uids(room, results[name]) for name in (CHEST, OTHER))
    assert len(first) > 5
    assert not first & second
    files = [
        {one.key_picture, one.comparison_file, *(made.path for made in one.objects)}
        for one in results.values()
    ]
    assert not files[0] & files[1]


def test_a_bundle_that_does_not_apply_leaves_the_study_as_it_is(
    tmp_path: Path, bundles: dict[str, Bundle], phantom: Phantom
) -> None:
    """A chest is none of the head's business: the study is one that was read."""
    room = _room(tmp_path, phantom, bundles[HEAD], bundles[CHEST])
    room.receive(phantom, StudyIdentity.of(phantom))
    assert analyse_one(room.equipment)
    assert analyse_one(room.equipment)
    with query(room.engine) as session:
        jobs = {one.bundle: one for one in session.scalars(select(Job))}
        assert jobs[HEAD].state is JobState.NOT_APPLICABLE
        assert jobs[HEAD].error_kind == "BundleDoesNotApply"
        assert session.scalars(select(Result.bundle)).all() == [CHEST]
        assert session.scalars(select(Study.state)).one() is StudyState.ENCODED


def test_a_chest_that_cannot_be_read_is_the_bundles_business(
    tmp_path: Path, bundles: dict[str, Bundle], phantom: Phantom
) -> None:
    """Too few slices of a chest are no answer, and not nothing to answer."""
    room = _room(tmp_path, phantom, bundles[CHEST], bundles[HEAD])
    identity = StudyIdentity.of(phantom)
    uid = identity.uid("study")
    chest = write_phantom_study(phantom, room.settings.spool_folder / uid, identity=identity)
    room.take(uid, chest[:4])
    assert analyse_one(room.equipment)
    assert analyse_one(room.equipment)
    with query(room.engine) as session:
        states = {one.bundle: one.state for one in session.scalars(select(Job))}
        assert states == {CHEST: JobState.REFUSED, HEAD: JobState.NOT_APPLICABLE}
        assert session.scalars(select(Study.state)).one() is StudyState.REFUSED
