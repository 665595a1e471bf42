"""What every request must satisfy, and what every answer carries."""

from __future__ import annotations

import pytest

from settings.environment import Settings
from tests.unit.worklist.access.visitor import Visitor
from tests.unit.worklist.list.ordinary_day import OrdinaryDay
from tests.unit.worklist.seeding import SeededHospital
from worklist.access.request_guard import is_loopback
from worklist.app import create_app


@pytest.mark.parametrize(
    "address",
    ["/", "/administration", "/health", "/nowhere", "/favicon.ico", "/static/page/worklist.css"],
)
def test_security_headers_everywhere(visitor: Visitor, address: str) -> None:
    """Pages, data, files and errors all forbid what they do not need."""
    headers = visitor.get(address).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert "server" not in headers


def test_patients_data_is_not_kept_by_browsers(ordinary_day: OrdinaryDay, visitor: Visitor) -> None:
    """Pages with identifiers may not be stored; our own files may."""
    for address in ("/", f"/studies/{ordinary_day.urgent}", "/administration"):
        assert visitor.get(address).headers["cache-control"] == "no-store"
    assert "immutable" in visitor.get("/static/page/worklist.css?v=1").headers["cache-control"]


def test_pages_need_nothing_from_elsewhere(ordinary_day: OrdinaryDay, visitor: Visitor) -> None:
    """No page names another host, a style or a script of its own."""
    for address in ("/", f"/studies/{ordinary_day.urgent}", "/administration"):
        html = visitor.get(address).text
        assert "http://" not in html
        assert "https://" not in html
        assert " style=" not in html
        assert " onclick=" not in html
        assert "<script src=" in html
        assert html.count("<script") == html.count('<script src="/static/') + html.count(
            '<script type="module" src="/static/'
        )


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:8470", "127.0.0.1:9", "127.8.8.8", "[::1]:8470", "LOCALHOST:1"],
)
def test_loopback_names_are_ours(visitor: Visitor, host: str) -> None:
    """The page answers to every name of this machine's own interface."""
    assert visitor.get("/", {"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "10.0.0.5:8470",
        "",
        "[::1",
    ],
)
def test_other_names_are_refused(ordinary_day: OrdinaryDay, visitor: Visitor, host: str) -> None:
    """A name that was made to point here (DNS rebinding) sees no patient."""
    answer = visitor.get("/", {"Host": host})
    assert answer.status_code == 400
    assert "answers on this machine only" in answer.text
    assert "A2611210849" not in answer.text


def test_defect_shows_no_trace(
    hospital: SeededHospital, worklist_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What nobody foresaw becomes a page that says what to do, with the headers of the others."""

    def broken(*_arguments: object) -> None:
        raise RuntimeError("patient 4711")

    monkeypatch.setattr("worklist.list.routes.list_screen", broken)
    answer = Visitor(create_app(worklist_settings, hospital.engine)).get("/")
    assert answer.status_code == 500
    assert "Read in the usual order meanwhile" in answer.text
    assert "4711" not in answer.text
    assert "Traceback" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_database_that_does_not_answer(hospital: SeededHospital, visitor: Visitor) -> None:
    """Without its database the page says so and what it means for studies sent now."""
    hospital.engine.dispose()
    database = hospital.results_folder.parent / "firstread.sqlite"
    for file in database.parent.glob("firstread.sqlite*"):
        file.unlink()
    database.mkdir()
    answer = visitor.get("/")
    assert answer.status_code == 503
    assert "The database does not answer" in answer.text


def test_no_interface_description(visitor: Visitor) -> None:
    """There are no generated pages that load scripts from elsewhere."""
    for address in ("/docs", "/redoc", "/openapi.json"):
        assert visitor.get(address).status_code == 404


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("::1", True),
        ("[::1]", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.4", False),
        ("ct-ai.hospital", False),
        ("", False),
    ],
)
def test_loopback(host: str, expected: bool) -> None:
    """Only names that mean this machine and nothing else are loopback."""
    assert is_loopback(host) is expected
