"""A lesion is called the same in every study of the patient, and a new one has a new name."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from highdicom.seg import segread
from highdicom.sr import MeasurementReport, srread
from pydicom import dcmread

from chest.course.known_lesions import known_lesions, lesion_uid
from chest.values.chest_map import MappedLesion
from chest.values.figures import Side
from chest.values.regions import LesionLabel
from models.measure.lesions import number_lesions
from models.schema_2.bundle import read_bundle
from phantom import Lesion
from phantom.study import StudyIdentity
from radiology.answer.tracking import Tracking
from radiology.region import LabelMap
from settings.environment import read_settings
from settings.peers import Peer
from tests.builders.bundles import write_bundle
from tests.builders.chest.chest_pairs import scan
from tests.builders.chest.truth_reader import TruthReader
from tests.builders.dicom.spooled import ReadingRoom

RIGHT = Lesion(LesionLabel.GROUND_GLASS, (-90.0, 40.0, -60.0), (16.0, 16.0, 16.0), 1)
LEFT = Lesion(LesionLabel.GROUND_GLASS, (90.0, 44.0, -60.0), (18.0, 18.0, 18.0), 2)
WITHIN = Lesion(LesionLabel.CONSOLIDATION, (-90.0, 40.0, -60.0), (9.0, 9.0, 9.0), 3)
NEW = Lesion(LesionLabel.GROUND_GLASS, (88.0, 30.0, 30.0), (14.0, 14.0, 14.0), 4)
GROWN = replace(RIGHT, radii_mm=(24.0, 24.0, 24.0))
THEN, NOW = (RIGHT, LEFT, WITHIN), (GROWN, LEFT, WITHIN, NEW)

PATIENT = StudyIdentity(
    key="earlier",
    patient_id="4711",
    patient_name="Doe^Jane",
    moment=datetime(2026, 1, 1, 12, 0),  # noqa: DTZ001 a scanner's clock has no zone
    patient_birth_date="19610203",
    patient_sex="F",
)
LATER = replace(PATIENT, key="later", moment=PATIENT.moment + timedelta(days=9))
RESEARCH = Peer.model_validate(
    {
        "name": "research",
        "ae_title": "RESEARCH",
        "host": "research.example",
        "port": 104,
        "roles": ["destination"],
        "profile": "machine",
    }
)

SEG, MACHINE = "AI lungs and lesions (Firstread)", "AI quantification (Firstread)"
KINDS = {
    "Ground glass opacity": LesionLabel.GROUND_GLASS,
    "Lung consolidation": LesionLabel.CONSOLIDATION,
}
Studies = tuple[dict[str, Path], dict[str, Path]]


@pytest.fixture(scope="module")
def studies(tmp_path_factory: pytest.TempPathFactory) -> Studies:
    """The objects of an earlier study and of a later one, by Series Description."""
    settings = read_settings(data_folder=tmp_path_factory.mktemp("data"), peers=(RESEARCH,))
    bundle = read_bundle(write_bundle(tmp_path_factory.mktemp("bundles")))
    room = ReadingRoom(settings, TruthReader(bundle))
    folders = []
    for lesions, identity in (
        ((RIGHT, LEFT, WITHIN), PATIENT),
        ((GROWN, LEFT, WITHIN, NEW), LATER),
    ):
        room.read(scan(lesions=lesions, spacing_mm=4.5), identity)
        folders.append(settings.results_folder / identity.uid("study"))
    then, now = (_by_series(folder) for folder in folders)
    return then, now


def _by_series(folder: Path) -> dict[str, Path]:
    return {str(dcmread(path).SeriesDescription): path for path in folder.glob("*.dcm")}


def tracked(path: Path, *lesions: Lesion) -> list[Tracking]:
    """What the segment of the class and at the place of each lesion of the phantom is called."""
    segmentation = segread(path)
    places = {}
    for segment in segmentation.SegmentSequence:
        if "TrackingUID" not in segment:
            continue
        number = int(segment.SegmentNumber)
        volume = segmentation.get_volume(segment_numbers=[number], combine_segments=True)
        inside = volume.map_indices_to_reference(np.argwhere(volume.array > 0))
        kind = str(segment.SegmentedPropertyTypeCodeSequence[0].CodeMeaning)
        tracking = Tracking(str(segment.TrackingID), str(segment.TrackingUID))
        places[tracking] = (KINDS[kind], inside.mean(axis=0))
    found = []
    for lesion in lesions:
        of_kind = [one for one, (kind, _) in places.items() if kind is lesion.kind]
        nearest = min(of_kind, key=lambda one: np.linalg.norm(places[one][1] - lesion.centre_mm))
        assert np.linalg.norm(places[nearest][1] - lesion.centre_mm) < 15.0
        found.append(nearest)
    return found


def of_groups(path: Path) -> set[Tracking]:
    """What the groups of a report are called."""
    content = srread(path).content
    assert isinstance(content, MeasurementReport)
    groups = content.get_volumetric_roi_measurement_groups()
    return {Tracking(str(one.tracking_identifier), str(one.tracking_uid)) for one in groups}


def test_a_lesion_keeps_its_names_while_it_grows(studies: Studies) -> None:
    """Tracking ID and UID of its segments, ground glass and the consolidation within, are those of
    the earlier study, although it is now the largest; so are those of the report for programs."""
    then, now = studies
    before = tracked(then[SEG], RIGHT, LEFT, WITHIN)
    after = tracked(now[SEG], GROWN, LEFT, WITHIN)
    assert after == before
    assert len({one.uid for one in before}) == len({one.identifier for one in before}) == 3
    for objects in studies:
        assert of_groups(objects[MACHINE]) >= set(before)


def test_a_new_lesion_has_a_new_name(studies: Studies) -> None:
    """No lesion of the earlier study was called so."""
    then, now = studies
    before, (new,) = tracked(then[SEG], RIGHT, LEFT, WITHIN), tracked(now[SEG], NEW)
    assert new.uid not in {one.uid for one in before}
    assert new.identifier not in {one.identifier for one in before}
    assert new in of_groups(now[MACHINE])


def in_the_course(number: int, tracking_uid: str) -> MappedLesion:
    return MappedLesion(number, tracking_uid, 1.0, 1.0, 0.0, -500.0, (0.0, 0.0, 0.0), Side.RIGHT)


def drawn() -> LabelMap:
    """A ground glass with two consolidations within, and a smaller ground glass."""
    lesions = np.zeros((4, 20, 20), np.uint8)
    lesions[1:3, 2:12, 2:12] = LesionLabel.GROUND_GLASS
    lesions[1, 3:6, 3:6] = lesions[1, 8:10, 8:10] = LesionLabel.CONSOLIDATION
    lesions[2, 15:18, 15:18] = LesionLabel.GROUND_GLASS
    return lesions


def named(lesions: LabelMap, *course: MappedLesion) -> dict[tuple[LesionLabel, int], Tracking]:
    found = number_lesions(lesions)
    return known_lesions(lesions, found, course, study_instance_uid="1.2.3", algorithm="A")


def test_a_name_follows_from_the_lesion_the_class_and_the_rank_within() -> None:
    """Whatever else there is in the study: without the smaller lesion the names are the same."""
    names = named(drawn(), in_the_course(1, "2.25.7"), in_the_course(2, "2.25.8"))
    assert len({one.uid for one in names.values()}) == len(names) == 4
    alone = drawn()
    alone[2, 15:, 15:] = 0
    kept = named(alone, in_the_course(1, "2.25.7"))
    assert kept == {key: names[key] for key in kept}
    first, second = (names[LesionLabel.CONSOLIDATION, rank].identifier for rank in (1, 2))
    assert second == f"{first}-2"


def test_without_a_course_names_are_those_of_a_first_study() -> None:
    """`firstread encode`, which compares with nothing, names lesions as the worker does."""
    course = [
        in_the_course(number, lesion_uid("1.2.3", number, algorithm="A")) for number in (1, 2)
    ]
    assert named(drawn()) == named(drawn(), *course)


def test_no_lesion_has_no_name() -> None:
    """A study without one is encoded all the same."""
    assert named(np.zeros((3, 4, 4), np.uint8)) == {}
