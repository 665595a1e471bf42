"""A patient's course: earlier studies are found with care, and nothing of them stops a result."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from pydicom import Dataset, dcmread
from sqlalchemy import select, update

from chest import chest_codes
from chest.course.map_file import read_chest_map
from database.session import query, transaction
from database.states import ObjectKind, RejectionReason
from database.tables.study.analysis import Result, ResultObject
from models.older_readings import stored_reading
from models.schema_2.bundle import Bundle, read_bundle
from phantom import EXTENSIVE_LESIONS, TYPICAL_LESIONS, Lesion, Phantom, Posture
from radiology.answer.lesions import Became
from radiology.answer.reading import Reading
from radiology.outcome import Outcome
from radiology.urgency import Urgency
from settings.environment import Settings, read_settings
from tests.builders.bundles import write_bundle
from tests.builders.chest.chest_pairs import scan
from tests.builders.chest.patient_seen_twice import EARLIER, FIRST_DAY, LATER
from tests.builders.chest.truth_reader import TruthReader
from tests.builders.dicom.spooled import ReadingRoom
from tests.builders.stored.rows import later
from worker.deliver.reject_results import withdraw_result

COARSE_MM = 6.0


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return read_bundle(write_bundle(tmp_path_factory.mktemp("bundles")))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return read_settings(data_folder=tmp_path)


@pytest.fixture
def room(settings: Settings, bundle: Bundle) -> ReadingRoom:
    return ReadingRoom(settings, TruthReader(bundle))


@pytest.fixture(scope="module")
def then() -> Phantom:
    return scan(lesions=TYPICAL_LESIONS[:3], spacing_mm=COARSE_MM)


@pytest.fixture(scope="module")
def now() -> Phantom:
    posture = Posture((4.0, 0.0, 5.0), (10.0, 0.0, -8.0))
    return scan(lesions=TYPICAL_LESIONS, posture=posture, spacing_mm=COARSE_MM)


def said(result: Result) -> Reading:
    """The reading of a result, as it is stored."""
    return stored_reading(result.reading)


def studies(reading: Reading) -> list[str]:
    """Those of the course."""
    return [one.study_instance_uid for one in reading.course]


def names(room: ReadingRoom, result: Result) -> set[str]:
    """What the lesions of a result are called, as the map for later studies holds it."""
    assert result.comparison_file is not None
    chest = read_chest_map(room.settings.results_folder / result.comparison_file)
    assert chest is not None
    return {one.tracking_uid for one in chest.lesions}


def report(room: ReadingRoom, result: Result) -> Dataset:
    """The SR of a result, as it is kept."""
    with query(room.engine) as session:
        path = session.scalars(
            select(ResultObject.path).where(
                ResultObject.result_id == result.id, ResultObject.kind == ObjectKind.REPORT
            )
        ).one()
    return dcmread(room.settings.results_folder / path)


def test_a_later_study_is_compared_with_the_earlier_one(
    room: ReadingRoom, then: Phantom, now: Phantom
) -> None:
    """The result says what changed, lesions keep their names, and quick growth is urgent."""
    first = room.read(then, EARLIER)
    second = room.read(now, LATER)
    assert said(first).comparison is None
    reading = said(second)
    assert studies(reading) == [EARLIER.uid("study"), LATER.uid("study")]
    assert reading.comparison is not None
    assert reading.comparison.reason == ""
    lungs = next(one for one in reading.groups if one.name == "Both lungs, lesions")
    growth = lungs.measurement(chest_codes.LESION_GROWTH)
    assert growth is not None
    assert growth.value > 50
    assert Became.NEW in {one.became for one in reading.followed}
    assert names(room, first) & names(room, second)
    scores = {one.name: one.answer for one in reading.statements if one.name}
    assert str(scores["Lesion progress"]).startswith("severe (")
    assert second.urgency is Urgency.URGENT
    assert second.outcome is Outcome.FINDINGS
    (study,) = report(room, second).PertinentOtherEvidenceSequence
    (series,) = study.ReferencedSeriesSequence
    named = series.ReferencedSOPSequence[0].ReferencedSOPInstanceUID
    assert named == report(room, first).SOPInstanceUID
    assert "PertinentOtherEvidenceSequence" not in report(room, first)


def test_a_withdrawn_result_is_not_compared_with(
    room: ReadingRoom, then: Phantom, now: Phantom
) -> None:
    """What was said to be wrong is nothing to measure a change by."""
    first = room.read(then, EARLIER)
    with transaction(room.engine) as session:
        session.execute(
            update(Result).where(Result.id == first.id).values(withdrawn_at=first.created_at)
        )
    second = room.read(now, LATER)
    assert said(second).comparison is None
    assert len(said(second).course) == 1


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"patient_id": "4712"}, None),
        ({"issuer_of_patient_id": "HOSPITAL B"}, "issuer"),
        ({"patient_birth_date": "19610204"}, "birth date"),
        ({"patient_sex": "M"}, "sex"),
    ],
    ids=["same name, other ID", "other issuer", "other birth date", "other sex"],
)
def test_a_study_of_another_patient_is_never_used(
    room: ReadingRoom, then: Phantom, now: Phantom, changed: dict[str, str], reason: str | None
) -> None:
    """Whatever the name: what contradicts this patient's identity is no prior, and says why."""
    room.read(then, replace(EARLIER, **changed))  # type: ignore[arg-type]
    result = room.read(now, LATER)
    assert said(result).comparison is None
    assert len(said(result).course) == 1
    assert result.urgency_rule.startswith("suspicion")
    refused = said(result).left_out
    if reason is None:
        assert refused == ()
    else:
        assert reason in refused[0].reason


def test_an_id_that_means_nobody_joins_nothing(
    room: ReadingRoom, then: Phantom, now: Phantom
) -> None:
    """Exports and emergencies share such IDs between patients."""
    room.read(then, replace(EARLIER, patient_id="ANONYMOUS"))
    result = room.read(now, replace(LATER, patient_id="ANONYMOUS"))
    assert said(result).comparison is None
    assert len(said(result).course) == 1


def test_a_damaged_map_is_passed_over(room: ReadingRoom, then: Phantom, now: Phantom) -> None:
    """The study after it gets its result all the same, with the reason why nothing is compared."""
    first = room.read(then, EARLIER)
    assert first.comparison_file is not None
    kept = room.settings.results_folder / first.comparison_file
    kept.write_bytes(kept.read_bytes()[:1000])
    result = room.read(now, LATER)
    assert result.outcome is Outcome.FINDINGS
    assert said(result).comparison is None
    assert "cannot be read" in said(result).left_out[0].reason
    assert len(said(result).course) == 2  # the figures are in the database


def test_a_withdrawn_result_is_no_prior(room: ReadingRoom, then: Phantom, now: Phantom) -> None:
    """What was taken back is not to be relied upon, not even as what was before."""
    room.read(then, EARLIER)
    withdraw_result(
        room.settings, room.engine, EARLIER.uid("study"), RejectionReason.QUALITY, later(600)
    )
    result = room.read(now, LATER)
    assert said(result).comparison is None
    assert len(said(result).course) == 1
    assert result.urgency_rule.startswith("suspicion")


def test_instances_that_are_gone_prove_nothing(
    room: ReadingRoom, then: Phantom, now: Phantom
) -> None:
    """Without the header of the earlier study nobody can tell whose it is."""
    uid = room.read(then, EARLIER) and EARLIER.uid("study")
    for path in (room.settings.spool_folder / uid).iterdir():
        path.unlink()
    result = room.read(now, LATER)
    assert said(result).comparison is None
    assert "not there" in said(result).left_out[0].reason


def test_a_study_of_a_later_day_is_no_prior(room: ReadingRoom, then: Phantom, now: Phantom) -> None:
    """Studies may be received in any order; only what was acquired earlier is compared."""
    room.read(now, LATER)
    result = room.read(then, EARLIER)
    assert said(result).comparison is None
    assert "not earlier" in said(result).left_out[0].reason


def test_comparing_can_be_switched_off(
    settings: Settings, bundle: Bundle, then: Phantom, now: Phantom
) -> None:
    """Then nothing is looked for, and the study stands alone."""
    alone = settings.model_copy(update={"compare_priors": False})
    room = ReadingRoom(alone, TruthReader(bundle))
    room.read(then, EARLIER)
    result = room.read(now, LATER)
    assert len(said(result).course) == 1


def test_a_little_growth_is_no_alarm(room: ReadingRoom) -> None:
    """A small lesion that doubled stays below what outlines differ by."""
    small = Lesion(TYPICAL_LESIONS[0].kind, (-90.0, 40.0, -40.0), (9.0, 9.0, 9.0), 3)
    larger = replace(small, radii_mm=(11.5, 11.5, 11.5))
    room.read(scan(lesions=(small,), spacing_mm=COARSE_MM), EARLIER)
    result = room.read(scan(lesions=(larger,), spacing_mm=COARSE_MM), LATER)
    assert result.urgency is not Urgency.URGENT


def test_the_latest_of_several_is_compared(room: ReadingRoom, then: Phantom, now: Phantom) -> None:
    """The course has all points in the order of time; changes are told since the last."""
    second = replace(EARLIER, key="second", moment=FIRST_DAY + timedelta(hours=10))
    room.read(then, second)
    room.read(scan(lesions=EXTENSIVE_LESIONS, spacing_mm=COARSE_MM), EARLIER)
    result = room.read(now, LATER)
    reading = said(result)
    assert studies(reading) == [one.uid("study") for one in (EARLIER, second, LATER)]
    assert reading.comparison is not None
    assert reading.comparison.earlier.study_instance_uid == second.uid("study")
