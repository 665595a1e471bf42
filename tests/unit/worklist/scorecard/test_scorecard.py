"""The scorecard: four times of each study, by urgency, scanner and day, and the what-if."""

from __future__ import annotations

import json
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner

from database.events import record_event
from database.session import open_engine, transaction
from database.tables.study.analysis import Study
from firstread.__main__ import app
from radiology.errors import SettingsRefused
from radiology.urgency import Urgency
from settings.environment import read_settings
from settings.peers import RequestPriority
from tests.builders.stored.empty_database import make_tables
from tests.unit.worklist.access.visitor import Visitor, readable
from tests.unit.worklist.list.ordinary_day import CLEAR, SEVERE, OrdinaryDay
from tests.unit.worklist.seeding import START, SeededHospital
from worklist.scorecard.site_days import site_days


def _event(hospital: SeededHospital, uid: str, name: str, seconds: float) -> None:
    """Something that happens so long after the last image."""
    with transaction(hospital.engine) as session:
        study = session.query(Study).filter_by(study_instance_uid=uid).one()
        at = study.last_instance_at + timedelta(seconds=seconds)
        record_event(session, name, at, study_id=study.id, reader="reader")


def test_times_run_from_the_last_image_to_what_came_first(
    ordinary_day: OrdinaryDay, visitor: Visitor, hospital: SeededHospital
) -> None:
    """Of several openings the first counts; one before the last image does not; nor other names."""
    for name, seconds in (
        ("study_opened", -3.0),
        ("study_opened", 120.0),
        ("study_opened", 60.0),
        ("flag_raised", 1.0),
        ("flag_sent", 9.0),
        ("flag_acknowledged", 90.0),
    ):
        _event(hospital, ordinary_day.urgent, name, seconds)
    _event(hospital, ordinary_day.routine, "study_opened", 600.0)
    found = visitor.get("/scorecard.json").json()["from_last_image_to"]
    assert found["result"]["by_urgency"]["urgent"]["p50_s"] == pytest.approx(8.03)
    assert found["flag"]["all"] == {"n": 1, "never": 1, **_all_of(9.0)}
    assert found["opened"]["by_urgency"]["urgent"] == {"n": 1, "never": 1, **_all_of(60.0)}
    assert found["opened"]["by_scanner"]["CT1"]["max_s"] == 600.0
    assert found["opened"]["routine_less_urgent_s"] == 540.0
    assert found["acknowledged"]["by_day"]["2026-11-21"]["p95_s"] == 90.0


def _all_of(seconds: float) -> dict[str, float]:
    return dict.fromkeys(("p50_s", "p90_s", "p95_s", "max_s"), seconds)


def test_the_page_shows_what_the_json_has(
    ordinary_day: OrdinaryDay, visitor: Visitor, hospital: SeededHospital
) -> None:
    """Charts with the same figures in tables beside them, and what was never."""
    _event(hospital, ordinary_day.urgent, "study_opened", 3 * 3600)
    assert visitor.get("/scorecard").text.count('role="img"') == 4  # of no flag there is no figure
    _event(hospital, ordinary_day.urgent, "flag_sent", 9.0)
    _event(hospital, ordinary_day.urgent, "flag_acknowledged", 90.0)
    html = visitor.get("/scorecard").text
    text = readable(html)
    assert "these days: 12." in text
    assert "3.0 h" in text
    assert html.count('role="img"') == 6
    assert html.count("<table") >= 6
    assert 'aria-current="page">Scorecard' in html
    folded = html[html.index("By scanner and by day") :]
    assert "<caption>Urgent, by day</caption>" in folded, "two tables of the same days are told"
    assert "STAT and HIGH" in text


def test_only_the_days_and_the_scanner_that_are_asked_for(
    ordinary_day: OrdinaryDay, visitor: Visitor
) -> None:
    """A period without studies is an empty page, not a fault."""
    empty = visitor.get("/scorecard?first=2026-11-20&last=2026-11-20&scanner=&readers=2")
    assert empty.status_code == 200
    assert "No study of these days." in empty.text
    assert visitor.get("/scorecard.json?scanner=CT9").json()["studies"] == 0
    assert visitor.get("/scorecard.json?scanner=CT1").json()["studies"] == 12


@pytest.mark.parametrize(
    "question",
    [
        "first=yesterday",
        "first=2026-11-21&last=2026-11-20",
        "first=2020-01-01&last=2026-01-01",
        "last=0001-01-01",
        "last=9999-12-31",
        "readers=0",
        "reading=nan",
        "reading=inf",
        "limit=-1",
        "scanner=" + "x" * 65,
    ],
)
def test_what_cannot_be_shown_is_refused(visitor: Visitor, question: str) -> None:
    """A question without sense is answered with a page that says so."""
    assert visitor.get(f"/scorecard?{question}").status_code == 400
    assert visitor.get(f"/scorecard.json?{question}").status_code == 400


def test_a_day_begins_where_the_site_is() -> None:
    """Midnight is that of the site, also on the day when the clocks are changed."""
    zone = ZoneInfo("Europe/Berlin")
    days = site_days(date(2026, 3, 29), date(2026, 3, 29), now=START, zone=zone, usual_days=30)
    assert days is not None
    assert days.period.since.isoformat() == "2026-03-29T00:00:00+01:00"
    assert days.period.until.isoformat() == "2026-03-30T00:00:00+02:00"
    assert days.day_of(START.replace(hour=23, minute=30)) == date(2026, 11, 22)


@pytest.mark.parametrize("name", ["Mars/Olympus", "../../etc/passwd", "Europe", "/UTC"])
def test_a_time_zone_that_is_none_is_refused(name: str) -> None:
    """When the settings are read, not when the page is opened."""
    with pytest.raises(SettingsRefused, match="time_zone"):
        read_settings(time_zone=name)


def test_the_log_is_replayed_with_its_own_times(hospital: SeededHospital, visitor: Visitor) -> None:
    """A STAT study that came last of three that waited: prioritised it is first."""
    uids = [hospital.receive() for _ in range(2)]
    uids.append(hospital.receive(priority=RequestPriority.STAT))
    for uid in uids:
        hospital.queue(uid)
    for urgency, lesions in ((Urgency.URGENT, SEVERE), (Urgency.ROUTINE, CLEAR)) * 2:
        if uids:
            hospital.answer(hospital.claim(), urgency, lesions)
            uids.pop()
    found = visitor.get("/scorecard.json").json()["what_if"]["analysis"]
    assert (found["items"], found["workers"]) == (3, 1)
    before = found["first_in_first_out"]["STAT and HIGH"]["to_result"]["p50_s"]
    after = found["prioritised"]["STAT and HIGH"]["to_result"]["p50_s"]
    assert before == pytest.approx(3 * 6.63 - 0.4, abs=0.5)
    assert after == pytest.approx(2 * 6.63 - 0.4, abs=0.5)  # one is under way when it comes


def test_the_command_line_says_the_same(
    hospital: SeededHospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As JSON and as tables; too long a period is refused."""
    folder = hospital.results_folder.parent / "migrated"
    folder.mkdir()
    engine = open_engine(f"sqlite:///{folder / 'firstread.sqlite'}")
    make_tables(engine)
    site = SeededHospital(engine, folder)
    _, claim = site.claimed()
    site.answer(claim, Urgency.URGENT, SEVERE)
    monkeypatch.setenv("FIRSTREAD_DATA_FOLDER", str(folder))
    days = ["scorecard", "--first", "2026-11-01", "--last", "2026-11-30"]
    found = CliRunner().invoke(app, [*days, "--json", "--workers", "3"])
    assert found.exit_code == 0, found.output
    entries = json.loads(found.stdout)
    assert (entries["studies"], entries["what_if"]["analysis"]["workers"]) == (1, 3)
    assert "Reading room" in CliRunner().invoke(app, days).stdout
    assert CliRunner().invoke(app, ["scorecard", "--first", "2020-01-01"]).exit_code == 2
