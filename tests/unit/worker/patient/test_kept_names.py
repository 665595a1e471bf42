"""The name of a patient in the list follows the study, its corrections and the setting."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import update

from database.listed.headings import heading_due, headings_due, keep_heading
from database.session import query, transaction
from database.tables.readers.listed import StudyHeading
from database.tables.study.analysis import Study
from database.views.worklist.list_search import find_studies
from settings.page.worklist_list import WorklistList
from tests.builders.dicom.patient_site import SHAPE, PatientSite, said
from tests.builders.stored.rows import NOON
from worker.heading.keep_headings import follow_name_setting, keep_headings
from worker.heading.read_heading import read_heading

WRONG = said(PatientID="PAT-A", PatientName="Wrong^Ann", AccessionNumber="ACC-A")
RIGHT = said(PatientName="Yamada^Tarou=山田^太郎", StudyDescription="CT Thorax")
RIGHT_NAME = "Yamada^Tarou=山田^太郎"


def _with_charset(change: object) -> object:
    def changed(image: object) -> None:
        image.SpecificCharacterSet = "ISO_IR 192"  # type: ignore[attr-defined]
        change(image)  # type: ignore[operator]

    return changed


def _sweep(site: PatientSite, *, names: bool = True) -> str:
    """A new housekeeping's first sweep; gives the name that is kept of the study, or "-"."""
    settings = site.room.settings.model_copy(
        update={"worklist_list": WorklistList(patient_names=names)}
    )
    follow_name_setting(settings, site.room.engine)
    keep_headings(settings, site.room.engine)
    with query(site.room.engine) as session:
        assert headings_due(session, 10) == []
        row = session.get(StudyHeading, site.study().id)
        return "-" if row is None else row.patient_name


def _found(site: PatientSite, sought: str) -> int:
    with query(site.room.engine) as session:
        return len(find_studies(session, sought, NOON, names=True))


def test_a_corrected_name_is_followed(site: PatientSite) -> None:
    """At once, and nobody finds the study by the wrong name any more."""
    site.send(site.scanned(WRONG))
    assert _sweep(site) == "Wrong^Ann"
    assert _found(site, "wrong") == 1
    site.read()
    assert _sweep(site) == "Wrong^Ann"
    site.send(site.scanned(_with_charset(RIGHT)))  # type: ignore[arg-type]
    site.read()
    assert _sweep(site) == RIGHT_NAME
    assert (_found(site, "wrong"), _found(site, "TAROU yamada"), _found(site, "山田太郎")) == (
        0,
        1,
        1,
    )


def test_a_study_of_several_patients_has_no_name(site: PatientSite) -> None:
    """Neither kept nor found, from the first image that contradicts on; it comes back by itself."""
    site.send([*site.scanned(said(PatientName="Right^Bea"))])
    assert _sweep(site) == "Right^Bea"
    strangers = site.scanned(WRONG, uids="9")[:3]
    site.send(strangers)
    with query(site.room.engine) as session:
        row = session.get(StudyHeading, site.study().id)
        assert row is not None
        assert (row.patient_name, row.searched_name) == ("", "")
    site.read()
    assert _sweep(site) == ""
    assert (_found(site, "bea"), _found(site, "ann")) == (0, 0)
    site.send(site.scanned(said(PatientName="Right^Bea"), uids="9")[:3])
    site.read()
    assert _sweep(site) == "Right^Bea"


def test_without_the_setting_no_name_is_kept(site: PatientSite) -> None:
    """Switched off, names go from the database; switched on, they come from the files."""
    site.send(site.scanned(said(PatientName="Doe^Jane", StudyDescription="CT Thorax"))[: SHAPE[0]])
    assert _sweep(site, names=False) == ""
    with query(site.room.engine) as session:
        row = session.get(StudyHeading, site.study().id)
        assert row is not None
        assert row.study_description == "CT Thorax"
    assert _sweep(site, names=True) == "Doe^Jane"
    assert _sweep(site, names=False) == ""


def test_what_is_asked_for_while_it_is_read_is_read_again(site: PatientSite) -> None:
    """A correction between reading and keeping: what was read is not kept."""
    site.send(site.scanned(WRONG))
    with query(site.room.engine) as session:
        due = heading_due(session, site.study().id)
    assert due is not None
    spool = site.room.settings.spool_folder
    read = read_heading([spool / one for one in due.paths], patient_id="PAT-A", zone=None)
    assert read is not None
    assert read.patient_name == "Wrong^Ann"
    earlier = replace(due, due_at=due.due_at.replace(year=2000))
    with transaction(site.room.engine) as session:
        assert not keep_heading(session, earlier, read, named=True)
    with query(site.room.engine) as session:
        assert headings_due(session, 10) == [due.study_id]
        assert session.get(StudyHeading, due.study_id) is None


def test_what_was_read_outlives_the_files(site: PatientSite) -> None:
    """Files that are gone later take nothing away but a name that may not be kept."""
    site.send(site.scanned(said(PatientName="Doe^Jane", StudyDescription="CT Thorax"))[:1])
    assert _sweep(site) == "Doe^Jane"
    for path in site.room.settings.spool_folder.rglob("*.dcm"):
        path.unlink()
    study_id = site.study().id
    for named, name in ((True, "Doe^Jane"), (False, "")):
        with transaction(site.room.engine) as session:
            session.execute(update(Study).values(heading_due_at=NOON))
            due = heading_due(session, study_id)
            assert due is not None
            spool = site.room.settings.spool_folder
            read = read_heading(
                [spool / one for one in due.paths], patient_id=due.patient_id, zone=None
            )
            assert keep_heading(session, due, read, named=named)
            row = session.get(StudyHeading, study_id)
            assert row is not None
            assert (row.patient_name, row.study_description) == (name, "CT Thorax")
