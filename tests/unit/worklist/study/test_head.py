"""The head of a study's page: which scan it is, and how urgently it was asked for."""

from __future__ import annotations

from radiology.urgency import Urgency
from settings.environment import Settings
from settings.page.worklist_list import WorklistList
from settings.peers import RequestPriority
from tests.unit.worklist.access.visitor import Visitor
from tests.unit.worklist.list.asked_list import headed
from tests.unit.worklist.list.ordinary_day import MILD
from tests.unit.worklist.seeding import SeededHospital
from worklist.app import create_app

HEADING = {
    "patient_name": "Doe^Jane",
    "scanned_at": "2026-11-21T08:14:59",
    "study_description": "CT Thorax nativ",
    "series_description": "Lung 1.0 B70f",
    "body_part": "CHEST",
}


def _headed_study(hospital: SeededHospital) -> str:
    uid, claim = hospital.claimed(priority=RequestPriority.HIGH)
    hospital.answer(claim, Urgency.SUSPECTED, MILD, picture=False)
    headed(hospital, uid, **HEADING)
    return uid


def test_the_head_says_what_the_list_says(hospital: SeededHospital, visitor: Visitor) -> None:
    """Scan date, descriptions, body part and the order's priority; no name by default."""
    text = " ".join(visitor.text(f"/studies/{_headed_study(hospital)}").split())
    assert "Scan date 2026-11-21 08:14 " in text
    assert "Description CT Thorax nativ · Lung 1.0 B70f · CHEST " in text
    assert "Priority HIGH " in text
    assert "Doe" not in text


def test_the_name_stands_where_the_site_shows_names(
    hospital: SeededHospital, worklist_settings: Settings
) -> None:
    """As the list writes it."""
    uid = _headed_study(hospital)
    shown = {"worklist_list": WorklistList(patient_names=True)}
    settings = worklist_settings.model_copy(update=shown)
    visitor = Visitor(create_app(settings, hospital.engine, clock=lambda: hospital.now))
    assert "Patient's name Doe, Jane" in " ".join(visitor.text(f"/studies/{uid}").split())


def test_a_study_without_a_heading_says_nothing_of_it(
    hospital: SeededHospital, visitor: Visitor
) -> None:
    """Its files have not been looked at yet: no empty line stands for that."""
    uid, _ = hospital.claimed()
    text = visitor.text(f"/studies/{uid}")
    assert "Scan date" not in text
    assert "Description" not in text
