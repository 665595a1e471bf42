"""Links to the site's viewers: escaped, or left out with the reason."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from database.session import query
from database.views.worklist.worklist_facts import StudyFacts
from database.views.worklist.worklist_rows import study_page
from settings.environment import Settings
from settings.page.study_page import StudyPageSettings, ViewerLink
from tests.unit.worklist.access.visitor import Visitor
from tests.unit.worklist.seeded_study_facts import STUDY
from tests.unit.worklist.seeding import SeededHospital
from worklist.app import create_app
from worklist.study.viewer_links import viewer_lines

OHIF = ViewerLink(
    name="OHIF", url="https://ohif.example/viewer?StudyInstanceUIDs={study_instance_uid}"
)
WEASIS = ViewerLink(
    name="Weasis",
    url="weasis://%24dicom%3Ars%20--url%20%22https%3A%2F%2Fpacs.example%2Fdicom-web%22"
    "%20-r%20%22patientID%3D{patient_id}%22",
)
PATH = ViewerLink(name="Portal", url="https://portal.example/{patient_id}/{accession_number}")


@pytest.fixture
def study(hospital: SeededHospital) -> StudyFacts:
    """Give a study with both identifiers."""
    uid = hospital.receive(accession_number="A 17/3", patient_id="P-9")
    with query(hospital.engine) as session:
        page = study_page(session, uid)
    assert page is not None
    return page.row.study


def _with(study: StudyFacts, **identifiers: str) -> StudyFacts:
    return replace(study, **identifiers)  # type: ignore[arg-type]


def test_values_are_escaped(study: StudyFacts) -> None:
    """A slash or a space in an identifier stays one value."""
    ohif, portal = viewer_lines((OHIF, PATH), study)
    assert ohif.address.endswith(f"={study.study_instance_uid}")
    assert portal.address == "https://portal.example/P-9/A%2017%2F3"


@given(patient_id=st.text(min_size=1, max_size=64), accession_number=st.text(max_size=16))
def test_no_identifier_leaves_its_place(patient_id: str, accession_number: str) -> None:
    """Whatever stands in a data set: host, path and further parameters stay those of the site."""
    viewer = ViewerLink(
        name="x", url="https://v.example/open?p={patient_id}&a={accession_number}&s=1"
    )
    study = _with(STUDY, patient_id=patient_id, accession_number=accession_number)
    (line,) = viewer_lines((viewer,), study)
    if not line.address:
        assert line.reason
        return
    parts = urlsplit(line.address)
    assert (parts.scheme, parts.netloc, parts.path) == ("https", "v.example", "/open")
    assert parse_qs(parts.query, keep_blank_values=True) == {
        "p": [patient_id.strip()],
        "a": [accession_number.strip()],
        "s": ["1"],
    }


@pytest.mark.parametrize(
    "patient_id", ['9" --url "https://evil.example', "9'", "9$(x)", "9\\", "9\n-x", "--config=x "]
)
def test_a_program_gets_no_further_arguments(study: StudyFacts, patient_id: str) -> None:
    """A viewer that is started as a program reads its address as a command line."""
    (line,) = viewer_lines((WEASIS,), _with(study, patient_id=patient_id))
    assert not line.address
    assert "cannot be passed on" in line.reason


def test_an_identifier_is_no_step_upwards(study: StudyFacts) -> None:
    """Two dots are a path of their own, escaped or not."""
    (line,) = viewer_lines((PATH,), _with(study, patient_id=".."))
    assert not line.address


def test_a_missing_identifier_is_told(study: StudyFacts) -> None:
    """A link without its study would open another one, or a search."""
    (line,) = viewer_lines((PATH,), _with(study, accession_number=" "))
    assert "lacks an identifier" in line.reason


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert('{patient_id}')",
        "JavaScript:alert('{patient_id}')",
        "data:text/html,{patient_id}",
        "file:///{patient_id}",
        "/viewer?{patient_id}",
        "{patient_id}",
        "https:{patient_id}",
        "https://viewer.example/",
        "https://viewer.example/{patient_name}",
        "https://viewer.example/{patient_id!r}",
        "https://viewer.example/{patient_id:>9}",
        "https://viewer.example/{patient_id.__class__}",
        "https://viewer.example/{0}",
        "https://viewer.example/{patient_id",
    ],
)
def test_a_wrong_template_is_refused_at_start(url: str) -> None:
    """What is no address of a viewer, or names something else of the study, is a wrong setting."""
    with pytest.raises(ValidationError):
        ViewerLink(name="x", url=url)


def test_links_stand_on_the_page(hospital: SeededHospital, worklist_settings: Settings) -> None:
    """The page offers each viewer; following a link tells the viewer nothing of the page."""
    page = StudyPageSettings(viewers=(OHIF, WEASIS))
    settings = worklist_settings.model_copy(update={"study_page": page})
    visitor = Visitor(create_app(settings, hospital.engine, clock=lambda: hospital.now))
    uid = hospital.receive(patient_id='1" x')
    html = visitor.get(f"/studies/{uid}").text
    assert f'href="{OHIF.url.format(study_instance_uid=uid)}"' in html
    assert 'rel="noopener noreferrer"' in html
    assert "Weasis: an identifier of the study has characters" in html
    assert unquote(WEASIS.url).startswith("weasis://$dicom:rs")
