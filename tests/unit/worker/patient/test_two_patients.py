"""Images of two patients in one study, on their way from the scanner to the results."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from pydicom import DataElement, Dataset, dcmread
from pydicom.datadict import tag_for_keyword
from sqlalchemy import select

from database.session import query
from database.states import JobState, WorklistRank
from database.tables.study.analysis import ResultObject
from radiology.errors import SeveralPatients
from radiology.outcome import Outcome
from tests.builders.dicom.patient_site import SHAPE, PatientSite, said
from tests.builders.stored.rows import NOON
from tests.unit.worklist.access.visitor import Visitor
from worker.predict.decode_study_files import decode_study_files
from worklist.app import create_app


def of_another(image: Dataset) -> None:
    """Another patient, with another order."""
    image.PatientID, image.PatientSex, image.AccessionNumber = "PAT-A", "F", "ACC-A"


def test_three_slices_of_somebody_else_come_first(site: PatientSite) -> None:
    """RSNA/anonymizer#18: the row said PAT-A, and the objects PAT-B. Now the study is refused."""
    strangers = site.scanned(of_another, uids="9")[:3]
    assert site.send([*strangers, *site.scanned()]) == [0x0000] * (3 + SHAPE[0])
    result = site.read()
    assert result is not None
    assert result.outcome is Outcome.NOT_ASSESSABLE
    assert result.reading["refused_by"] == "SeveralPatients"
    assert "PAT-A: 3 images" in result.reason
    assert f"PAT-B: {SHAPE[0]} images" in result.reason
    assert "Doe" not in result.reason
    site.check_that_nobody_is_named()
    assert site.work_items() == []
    assert site.study().worklist_rank is WorklistRank.UNANSWERED
    assert [job.state for job in site.jobs()] == [JobState.REFUSED]
    assert len(site.node.instances()) == 3 + SHAPE[0]
    assert len(site.node.spooled()) == 3 + SHAPE[0]


def test_the_page_shows_whom_the_images_name(site: PatientSite) -> None:
    """The list and the study's page say "several patients", and what to do."""
    site.send([*site.scanned(of_another, uids="9")[:3], *site.scanned()])
    visitor = Visitor(create_app(site.room.settings, site.room.engine, clock=lambda: NOON))
    addresses = ("/", f"/studies/{site.uid}")
    for address in addresses:  # as soon as it arrives
        assert "several patients: PAT-A, PAT-B" in visitor.text(address)
    site.read()
    for address in addresses:
        text = visitor.text(address)
        assert "several patients: PAT-A, PAT-B" in text
        assert "Correct the wrong ones at their sender and send them again" in text
        assert "ACC-" not in text


@pytest.mark.parametrize(
    "values",
    [
        {"PatientID": "PAT-A"},
        {"PatientSex": "F"},
        {"PatientBirthDate": "19610302"},
    ],
    ids=lambda values: next(iter(values)),
)
def test_one_image_of_another_patient_within_the_series(
    site: PatientSite, values: dict[str, str]
) -> None:
    """It would be read as a slice: the same patient ID with another birth date is no typing error
    that we could decide."""
    images = site.scanned()
    said(**values)(images[20])
    site.send(images)
    result = site.read()
    assert result is not None
    assert result.reading["refused_by"] == "SeveralPatients"
    assert "19610302" not in result.reason
    site.check_that_nobody_is_named()


def test_two_issuers_of_one_patient_id(site: PatientSite) -> None:
    """4711 of one hospital is not 4711 of another."""
    site.send(site.scanned(said(IssuerOfPatientID="HOSPITAL A"), uids="9")[:3])
    site.send(site.scanned(said(IssuerOfPatientID="HOSPITAL B")))
    result = site.read()
    assert result is not None
    assert result.reading["refused_by"] == "SeveralPatients"
    site.check_that_nobody_is_named()


def test_two_names_where_no_patient_id_tells(site: PatientSite) -> None:
    """Without a patient ID the name is what tells; it is not repeated."""
    site.send(site.scanned(said(PatientID="", PatientName="Roe^Richard"), uids="9")[:3])
    site.send(site.scanned(said(PatientID="")))
    result = site.read()
    assert result is not None
    assert result.reading["refused_by"] == "SeveralPatients"
    assert "Roe" not in result.reason
    assert "Doe" not in result.reason


@pytest.mark.parametrize(
    "values",
    [
        {"AccessionNumber": "", "PatientSex": "", "PatientBirthDate": ""},
        {"PatientID": ""},
        {"PatientSex": "O", "PatientName": "DOE JOHN"},
        {"PatientName": "Müller^Anna"},
    ],
    ids=["accession number, sex and birth date", "patient ID", "sex O", "name"],
)
def test_what_is_left_out_makes_no_other_patient(site: PatientSite, values: dict[str, str]) -> None:
    """A localizer without accession number is common; all outputs name one patient."""
    site.send(site.scanned(said(**values), uids="9")[:3])
    site.send(site.scanned())
    assert site.read() is not None
    site.check_that_all_name("PAT-B", "ACC-B")


def test_the_series_that_is_read_must_say_whose_it_is(site: PatientSite) -> None:
    """Others of the study do: the objects would be filed under nobody."""
    site.send(site.scanned(uids="9")[:3])
    site.send(site.scanned(said(PatientID="")))
    result = site.read()
    assert result is not None
    assert result.reading["refused_by"] == "SeveralPatients"
    assert "send it again with its Patient ID" in result.reason
    site.check_that_nobody_is_named()


def test_the_order_is_that_of_the_series_that_is_read(site: PatientSite) -> None:
    """One study may answer two orders; message and objects name the same one."""
    site.send(site.scanned(said(AccessionNumber="ACC-C"), uids="9")[:3])
    site.send(site.scanned())
    site.read()
    site.check_that_all_name("PAT-B", "ACC-B")


def test_a_series_without_an_order_answers_that_of_its_study(site: PatientSite) -> None:
    """The localizer has the accession number, the series that is read has none."""
    site.send(site.scanned(uids="9")[:3])
    site.send(site.scanned(said(AccessionNumber="")))
    site.read()
    site.check_that_all_name("PAT-B", "ACC-B")


@pytest.mark.filterwarnings("ignore:The value length")
def test_a_long_accession_number_is_not_cut(site: PatientSite) -> None:
    """Its first sixteen characters may be another order's number."""
    number = "2026-0001-4711-0815"
    site.send(site.scanned(said(AccessionNumber=number)))
    assert site.study().accession_number == number
    site.read()
    site.check_that_all_name("PAT-B", number)


@pytest.mark.filterwarnings("ignore:Invalid value for VR")
def test_identifiers_under_other_vrs_reach_every_output(site: PatientSite) -> None:
    """pydicom#828: Patient ID as SH and Accession Number as LO."""

    def change(image: Dataset) -> None:
        image[0x00100020] = DataElement(0x00100020, "SH", "PAT-B")
        image[0x00080050] = DataElement(0x00080050, "LO", "ACC-B")

    assert set(site.send(site.scanned(change))) == {0x0000}
    site.read()
    site.check_that_all_name("PAT-B", "ACC-B")


def test_a_patient_id_that_is_a_number_is_refused(site: PatientSite) -> None:
    """Its bytes are no text: nobody is named, and the reason says which attribute."""

    def change(image: Dataset) -> None:
        del image[0x00100020]
        image.add_new(0x00100020, "US", 0x4241)

    site.send(site.scanned(change))
    result = site.read()
    assert result is not None
    assert result.reading["refused_by"] == "PatientUnreadable"
    assert "attribute=PatientID" in result.reason
    site.check_that_nobody_is_named()


@pytest.mark.filterwarnings("ignore:Failed to decode")
@pytest.mark.parametrize("keyword", ["PatientID", "IssuerOfPatientID", "AccessionNumber"])
def test_identifiers_that_differ_in_unreadable_letters_are_not_one(
    site: PatientSite, keyword: str
) -> None:
    """Latin-1 under ISO_IR 192: of 'Ä-17' and 'Ö-17' the same is left, and both patients were told
    as one, whose Patient ID nobody has."""
    tag = tag_for_keyword(keyword)
    assert tag is not None
    letters = itertools.cycle((b"\xc4-17", b"\xd6-17"))

    def change(image: Dataset) -> None:
        image.SpecificCharacterSet = "ISO_IR 192"
        image[tag] = DataElement(tag, "UN", next(letters))  # pydicom writes these as they are

    assert set(site.send(site.scanned(change))) == {0x0000}
    result = site.read()
    assert result is not None
    assert result.reading["refused_by"] == "PatientUnreadable"
    assert f"attribute={keyword}" in result.reason
    site.check_that_nobody_is_named()


@pytest.mark.filterwarnings("ignore:Failed to decode")
def test_a_name_in_letters_that_its_character_set_does_not_have_costs_no_result(
    site: PatientSite,
) -> None:
    """It is no identifier: the study is read, and what can be read of the name stands in it."""
    value = b"M\xfcller^\xc4nne "

    def change(image: Dataset) -> None:
        image.SpecificCharacterSet = "ISO_IR 192"
        image[0x00100010] = DataElement(0x00100010, "UN", value)

    assert set(site.send(site.scanned(change))) == {0x0000}
    result = site.read()
    assert result is not None
    assert result.outcome is not Outcome.NOT_ASSESSABLE
    with query(site.room.engine) as session:
        paths = session.scalars(select(ResultObject.path)).all()
    assert paths
    for path in paths:
        made = dcmread(site.room.settings.results_folder / path, stop_before_pixels=True)
        assert str(made.PatientName) == "M\ufffdller^\ufffdnne"
        assert made.PatientID == "PAT-B"


def test_files_of_two_patients_are_not_read_as_one_volume(site: PatientSite) -> None:
    """`firstread predict` and uploads too; but they name nobody, so any VR will do."""
    reader = site.room.reader
    assert reader is not None
    images = site.scanned()
    paths = [site.folder / f"{number}.dcm" for number in range(len(images))]

    def written() -> list[Path]:
        for path, image in zip(paths, images, strict=True):
            image.save_as(path)
        return paths

    for image in images:
        del image[0x00100020]
        image.add_new(0x00100020, "US", 0x4241)
    assert decode_study_files(written(), reader.bundle).volume.shape == SHAPE
    for number, image in enumerate(images):
        del image[0x00100020]
        image.PatientID = "PAT-A" if number == 20 else "PAT-B"
    with pytest.raises(SeveralPatients, match="PAT-A: 1 image"):
        decode_study_files(written(), reader.bundle)
