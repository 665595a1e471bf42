"""The administrator sees which certificates end, and who was turned away and why."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from database.events import latest_events
from database.session import query, transaction
from dicom_node.security.handshake_fault import HINTS, HandshakeFailed, HandshakeFault
from dicom_node.turned_away import TurnedAway
from settings.environment import Settings
from settings.tls import DicomTls
from tests.builders.dicom.issuer import Issued, Issuer
from tests.unit.worklist.access.visitor import Visitor, readable
from tests.unit.worklist.seeding import SeededHospital
from worklist.administration.problems import find_problems
from worklist.app import create_app


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Issuer:
    """One for the module."""
    return Issuer.new(tmp_path_factory.mktemp("issuer"))


def with_tls(settings: Settings, issuer: Issuer, ours: Issued) -> Settings:
    """The same settings with a certificate for DICOM."""
    tls = DicomTls(certificate_file=ours.certificate, key_file=ours.key, ca_file=issuer.file)
    return settings.model_copy(update={"dicom_tls": tls})


def security_part(hospital: SeededHospital, settings: Settings, language: str = "en") -> str:
    """What a person reads there."""
    clock: Callable[[], datetime] = lambda: hospital.now  # noqa: E731 read anew each time
    visitor = Visitor(create_app(settings, hospital.engine, clock=clock))
    html = visitor.get("/administration", {"Cookie": f"firstread_language={language}"}).text
    start = html.index('data-part="security"')
    return readable(html[start - 20 : html.index("</section>", start)])


@pytest.mark.parametrize(
    ("days", "problem", "failing"),
    [(200, None, False), (10, "certificate_expires", False), (-1, "certificate_expired", True)],
)
def test_a_certificate_that_ends(
    hospital: SeededHospital,
    worklist_settings: Settings,
    issuer: Issuer,
    days: int,
    problem: str | None,
    failing: bool,
) -> None:
    """On the page and in /health; once it is over, studies do not come: an error."""
    now = hospital.now
    term = timedelta(days=days, hours=1)
    real_now = datetime.now(now.tzinfo)  # an issuer's dates are of the real clock
    ours = issuer.issue(
        "firstread.hospital",
        begins=now - real_now + min(term, timedelta()) - timedelta(days=1),
        ends=now - real_now + term,
        file_name=f"ends-{days}",
    )
    settings = with_tls(worklist_settings, issuer, ours)
    with query(hospital.engine) as session:
        found = [
            one
            for one in find_problems(session, settings, now)
            if one.name.startswith("certificate") and "certificate_file" in one.message
        ]
    assert [(one.name, one.failing) for one in found] == ([(problem, failing)] if problem else [])
    text = security_part(hospital, settings)
    assert "CN=firstread.hospital" in text
    assert (f"{days} more days: renew it" in text) is (problem == "certificate_expires")
    assert ("expired: renew it" in text) is (problem == "certificate_expired")


def test_a_renewal_that_cannot_be_used(
    hospital: SeededHospital, worklist_settings: Settings, issuer: Issuer, tmp_path: Path
) -> None:
    """The node goes on with the old one; that it would not start again is said meanwhile."""
    ours = issuer.issue("firstread.hospital", ends=timedelta(days=4000), begins=-timedelta(4000))
    swapped = Issued(ours.certificate, tmp_path / "other.key")
    swapped.key.write_bytes(issuer.issue("other").key.read_bytes())
    settings = with_tls(worklist_settings, issuer, swapped)
    with query(hospital.engine) as session:
        names = [one.name for one in find_problems(session, settings, hospital.now)]
    assert "certificate_unusable" in names


def test_who_was_turned_away(hospital: SeededHospital, worklist_settings: Settings) -> None:
    """Title, address, reason and what to do, the newest first; what was typed is no markup."""
    turned_away = TurnedAway(hospital.engine, lambda: hospital.now)
    facts = {"calling_ae_title": "<b>CT1</b>", "address": "10.0.0.7"}
    turned_away.rejected(facts, "certificate", "shows the certificate of peer ct2")
    turned_away.not_secured("10.0.0.8", HandshakeFailed(HandshakeFault.EXPIRED))
    turned_away.not_secured("10.0.0.9", HandshakeFailed(HandshakeFault.CLOSED))
    text = security_part(hospital, worklist_settings)
    assert "shows the certificate of peer ct2" in text
    assert "<b>CT1</b>" in text
    assert text.index("10.0.0.8") < text.index("10.0.0.7")
    assert "10.0.0.9" not in text


def test_why_is_said_in_chinese(hospital: SeededHospital, worklist_settings: Settings) -> None:
    """Each fault of a handshake, and what to do about it."""
    turned_away = TurnedAway(hospital.engine, lambda: hospital.now)
    for number, fault in enumerate(HandshakeFault):
        turned_away.not_secured(f"10.0.0.{number}", HandshakeFailed(fault))
    text = security_part(hospital, worklist_settings, "zh")
    assert text.count("10.0.0.") == len(HandshakeFault) - 1  # all but who said nothing
    for fault in HandshakeFault:
        assert HINTS[fault] not in text
        assert f" {fault.value.replace('_', ' ')} " not in text


def test_nobody_was_turned_away(hospital: SeededHospital, worklist_settings: Settings) -> None:
    """And without TLS the page says so."""
    text = security_part(hospital, worklist_settings)
    assert "No caller was turned away." in text
    assert "in clear" in text


def test_what_is_repeated_is_noted_once(hospital: SeededHospital) -> None:
    """One note in ten minutes for each caller and reason, whatever it does meanwhile."""
    turned_away = TurnedAway(hospital.engine, lambda: hospital.now)
    for _ in range(50):
        turned_away.not_secured("10.0.0.8", HandshakeFailed(HandshakeFault.SLOW))
    with transaction(hospital.engine) as session:
        assert len(latest_events(session, ("connection_not_secured",), limit=100)) == 1


def test_dicom_in_clear_is_said(
    hospital: SeededHospital, worklist_settings: Settings, issuer: Issuer
) -> None:
    """Until there is a certificate for it."""
    said = "DICOM goes over the network in clear."
    assert said in security_part(hospital, worklist_settings)
    ours = issuer.issue("firstread")
    assert said not in security_part(hospital, with_tls(worklist_settings, issuer, ours))
