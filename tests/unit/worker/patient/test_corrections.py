"""Patient ID or accession number corrected at the sender, and the same images sent again."""

from __future__ import annotations

import pytest
from pydicom.dataset import FileDataset
from sqlalchemy import select

from database.flag_states import FlagState, NoticeKind
from database.flags.content import notice_content
from database.session import query, transaction
from database.states import DeliveryState, JobState, StudyState
from database.studies.clinical_values import clinical_values
from database.studies.said_by_hl7 import Moments, ValueSaid, take_values
from database.tables.study.analysis import Delivery, Study
from radiology.errors import SeveralPatients
from radiology.outcome import Outcome
from tests.builders.dicom.patient_site import SHAPE, PatientSite, said
from tests.builders.stored.rows import NOON, later
from worker.deliver.deliver_results import deliver_one

WRONG = said(PatientID="PAT-A", AccessionNumber="ACC-A", PatientSex="F")
SUCCESS = [0x0000] * SHAPE[0]


def test_a_corrected_study_is_read_again_in_the_right_name(site: PatientSite) -> None:
    """Every output that follows names the patient that the correction names."""
    assert site.send(site.scanned(WRONG)) == SUCCESS
    site.read()
    site.check_that_all_name("PAT-A", "ACC-A")
    first = {str(one.SOPInstanceUID) for one in site.objects()}
    assert site.send(site.scanned()) == SUCCESS
    assert site.deliveries() == [DeliveryState.WITHDRAWN]
    result = site.read()
    assert result is not None
    assert (result.study_version, result.outcome) == (2, Outcome.FINDINGS)
    site.check_that_all_name("PAT-B", "ACC-B")
    assert site.study().patient_sex == "M"
    assert not first & {str(one.SOPInstanceUID) for one in site.objects()}
    assert site.deliveries() == [DeliveryState.WITHDRAWN, DeliveryState.WAITING]
    assert len(site.node.instances()) == SHAPE[0]
    assert len(site.node.spooled()) == 2 * SHAPE[0], "the old copies are kept"
    assert site.node.quarantine() == []


def test_a_corrected_accession_number_is_followed(site: PatientSite) -> None:
    """It makes no other patient, and its results name the new order alone."""
    site.send(site.scanned(said(AccessionNumber="ACC-A")))
    site.read()
    site.send(site.scanned())
    assert site.study().accession_number == "ACC-B"
    assert site.deliveries() == [DeliveryState.WITHDRAWN]
    site.read()
    site.check_that_all_name("PAT-B", "ACC-B")


def test_a_refused_study_is_read_when_the_strangers_are_corrected(site: PatientSite) -> None:
    """The refusal says to correct them at their sender: then it goes on by itself."""
    site.send([*site.scanned(WRONG, uids="9")[:3], *site.scanned()])
    site.read()
    site.check_that_nobody_is_named()
    assert site.send(site.scanned(uids="9")[:3]) == [0x0000] * 3
    site.read()
    site.check_that_all_name("PAT-B", "ACC-B")
    assert "patient_settled" in site.events()


def test_who_was_told_of_the_wrong_patient_is_told_to_forget_it(site: PatientSite) -> None:
    """In the wrong name, since that is what the receiver has; then of the right one, anew."""
    site.send(site.scanned(WRONG))
    site.read()
    assert site.take_notices() == [(NoticeKind.RAISED, "PAT-A", "ACC-A")]
    site.send(site.scanned())
    site.read()
    assert site.take_notices() == [
        (NoticeKind.WITHDRAWN, "PAT-A", "ACC-A"),
        (NoticeKind.RAISED, "PAT-B", "ACC-B"),
    ]
    (flag,) = site.flags()
    assert flag.state is FlagState.OPEN


def test_a_receiver_that_is_away_hears_both_in_their_order(site: PatientSite) -> None:
    """The withdrawal is not dropped for what follows it."""
    site.send(site.scanned(said(AccessionNumber="ACC-A")))
    site.read()
    site.take_notices()
    site.send(site.scanned())
    site.read()
    assert site.waiting_notices() == [
        (NoticeKind.WITHDRAWN, "PAT-B", "ACC-A"),
        (NoticeKind.RAISED, "PAT-B", "ACC-B"),
    ]


def test_half_a_correction_names_nobody(site: PatientSite) -> None:
    """While some images say PAT-A and some PAT-B, nothing is sent in either name."""
    site.send(site.scanned(WRONG))
    site.read()
    site.send(site.scanned()[: SHAPE[0] // 2])
    result = site.read()
    assert result is not None
    assert result.reading["refused_by"] == "SeveralPatients"
    assert site.study().patient_id == ""
    assert site.objects() == []
    assert len(site.notices()) == 1, "nobody had been told: nothing to take back, nothing new"
    with query(site.room.engine) as session, pytest.raises(SeveralPatients):
        notice_content(session, site.notices()[0])
    site.send(site.scanned()[SHAPE[0] // 2 :])
    site.read()
    assert site.study().patient_id == "PAT-B"
    assert {one.PatientID for one in site.objects()} == {"PAT-B"}


def test_a_correction_while_the_study_is_read_stops_its_result(
    site: PatientSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job that has read the old copies stores nothing; the next one reads the new ones."""
    site.send(site.scanned(WRONG))
    reader = site.room.reader
    assert reader is not None
    read_study = type(reader).read_study

    def corrected_meanwhile(*arguments: object) -> object:
        monkeypatch.undo()
        site.send(site.scanned())
        return read_study(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(type(reader), "read_study", corrected_meanwhile)
    result = site.read()
    assert result is not None
    assert result.reading["refused_by"] == "PatientCorrected"
    assert site.study().state is StudyState.RECEIVED
    assert site.objects() == []
    assert site.flags() == []
    site.read()
    site.check_that_all_name("PAT-B", "ACC-B")
    assert [job.state for job in site.jobs()] == [JobState.REFUSED, JobState.ENCODED]


def test_what_waits_for_a_pacs_is_not_sent_in_the_old_name(site: PatientSite) -> None:
    """Also where the delivery is tried at the moment of the correction."""
    site.send(site.scanned(WRONG))
    site.read()
    site.send(site.scanned())
    site.read()
    with transaction(site.room.engine) as session:
        old = session.scalars(select(Delivery).order_by(Delivery.id)).all()[0]
        old.state, old.due_at = DeliveryState.WAITING, NOON
        newest = session.scalars(select(Delivery).order_by(Delivery.id)).all()[1]
        newest.due_at = later(3600)
    assert deliver_one(site.room.equipment)
    assert site.deliveries()[0] is DeliveryState.WITHDRAWN
    with query(site.room.engine) as session:
        assert session.get_one(Delivery, old.id).error_kind == "PatientCorrected"


def test_values_of_the_wrong_patient_are_taken_back(site: PatientSite) -> None:
    """HL7 gave the study what was measured of PAT-A; PAT-B is not scored by it."""
    moments = Moments(now=NOON, said_at=NOON, expires_at=later(86400))
    with transaction(site.room.engine) as session:
        for patient_id, rate in (("PAT-A", 30.0), ("PAT-B", 18.0)):
            value = ValueSaid(patient_id, "respiratory_rate_per_min", rate, NOON)
            take_values(session, [value], moments, values_hours=24)
    site.send(site.scanned(WRONG))
    assert respiratory_rate(site) == 30.0
    site.read()
    site.send(site.scanned())
    site.read()
    assert respiratory_rate(site) == 18.0


def respiratory_rate(site: PatientSite) -> object:
    """What the study is scored by."""
    with query(site.room.engine) as session:
        study_id = session.scalars(select(Study.id)).one()
        return clinical_values(session, study_id).values.get("respiratory_rate_per_min")


def test_a_copy_that_differs_in_more_is_no_correction(site: PatientSite) -> None:
    """Another image under the same UID stays a conflict: the first one is kept."""
    images = site.scanned()
    site.send(images)
    for image in images[:2]:
        image.PatientID = "PAT-A"
    images[0].RescaleIntercept = "0"
    images[1].PixelData = bytes(len(images[1].PixelData))
    assert site.send(images[:2]) == [0x0111, 0x0111]
    assert len(site.node.quarantine()) == 2
    site.read()
    site.check_that_all_name("PAT-B", "ACC-B")


def test_a_copy_of_another_study_is_no_correction(site: PatientSite) -> None:
    """Nothing is moved from one study to another behind anybody's back."""
    images: list[FileDataset] = site.scanned()
    site.send(images)
    images[0].StudyInstanceUID, images[0].PatientID = "2.25.7", "PAT-A"
    assert site.send(images[:1]) == [0x0111]
    assert site.study().patient_id == "PAT-B"


def test_the_original_comes_again_through_another_router(site: PatientSite) -> None:
    """The same bytes are a duplicate, and change nothing."""
    site.send(site.scanned())
    site.read()
    assert site.send(site.scanned()) == SUCCESS
    assert site.study().state is StudyState.ENCODED
    assert site.study().corrected_version == 0
