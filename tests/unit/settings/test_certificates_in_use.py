"""Certificates that end are told of thirty days ahead; what cannot be used is named."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from settings.certificates.in_use import certificate_terms, unusable
from settings.environment import Settings
from settings.tls import DicomTls
from tests.builders.dicom.issuer import Issued, Issuer


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Issuer:
    """One for the module."""
    return Issuer.new(tmp_path_factory.mktemp("issuer"))


def settings_of(issuer: Issuer, ours: Issued, ca_file: Path | None = None) -> Settings:
    """A node with a certificate."""
    tls = DicomTls(
        certificate_file=ours.certificate, key_file=ours.key, ca_file=ca_file or issuer.file
    )
    return Settings(dicom_tls=tls)


def complaints(settings: Settings, now: datetime | None = None) -> list[str]:
    """All that is said of certificates."""
    terms = certificate_terms(settings)
    return [said for one in terms if (said := one.complaint(now or datetime.now(UTC)))]


@pytest.mark.parametrize(
    ("days", "said"),
    [(31, ""), (29, "in 28 days"), (1, "in 0 days"), (-1, "has expired"), (-400, "has expired")],
)
def test_thirty_days_ahead(issuer: Issuer, days: int, said: str) -> None:
    """Nothing before; then how many are left; then that it is over."""
    ends = timedelta(days=days)
    ours = issuer.issue("firstread", begins=ends - timedelta(days=500), ends=ends)
    found = complaints(settings_of(issuer, ours))
    assert bool(found) == bool(said)
    assert all(said in one and "dicom_tls.certificate_file" in one for one in found)


def test_one_that_has_not_begun(issuer: Issuer) -> None:
    """As after a clock that was wrong."""
    ours = issuer.issue("firstread", begins=timedelta(days=2))
    (said,) = complaints(settings_of(issuer, ours))
    assert "not valid before" in said


def test_an_issuer_that_ends(issuer: Issuer) -> None:
    """It shuts everybody out, so it is watched like our own."""
    ours = issuer.issue("firstread", ends=timedelta(days=900))
    (said,) = complaints(settings_of(issuer, ours), datetime.now(UTC) + timedelta(days=390))
    assert said.startswith("dicom_tls.ca_file")
    assert "Hospital CA" in said


def test_an_issuer_that_has_a_successor(issuer: Issuer, tmp_path: Path) -> None:
    """Old and new side by side: the old one may end."""
    both = tmp_path / "both.pem"
    ours = issuer.issue("firstread", ends=timedelta(days=900))
    old = issuer.issue("Hospital CA", ends=timedelta(days=3), file_name="old-ca")
    both.write_bytes(old.certificate.read_bytes() + issuer.file.read_bytes())
    assert complaints(settings_of(issuer, ours, both)) == []
    both.write_bytes(old.certificate.read_bytes())
    assert len(complaints(settings_of(issuer, ours, both))) == 1


def test_files_that_cannot_be_used(issuer: Issuer, tmp_path: Path) -> None:
    """Not there, not a certificate, and a key that is another one's."""
    ours, other = issuer.issue("firstread"), issuer.issue("other")
    swapped = Issued(ours.certificate, other.key)
    (said,) = unusable(settings_of(issuer, swapped))
    assert "belong together" in said
    assert list(unusable(settings_of(issuer, ours))) == []
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_text("nothing")
    (said,) = complaints(settings_of(issuer, Issued(nonsense, ours.key)))
    assert "cannot be read: it holds no certificate" in said
    (said,) = complaints(settings_of(issuer, Issued(tmp_path / "absent.pem", ours.key)))
    assert "No such file" in said


@pytest.mark.parametrize(
    ("hours", "said"), [(25, ""), (23, "fetch a new one"), (-1, "every certificate of this issuer")]
)
def test_a_revocation_list_is_told_of_a_day_ahead(
    issuer: Issuer, tmp_path: Path, hours: int, said: str
) -> None:
    """A week is what it lasts as a whole: thirty days ahead would be always."""
    lists = tmp_path / "revoked.pem"
    ends = timedelta(hours=hours)
    lists.write_bytes(issuer.list_revoked(begins=ends - timedelta(days=7), ends=ends))
    tls = settings_of(issuer, issuer.issue("firstread")).dicom_tls
    assert tls is not None
    settings = Settings(dicom_tls=tls.model_copy(update={"crl_file": lists}))
    found = complaints(settings)
    assert bool(found) == bool(said)
    assert all(said in one and one.startswith("dicom_tls.crl_file") for one in found)
    assert list(unusable(settings)) == []


@pytest.mark.parametrize("content", ["", "no list", "a certificate"])
def test_a_file_without_a_revocation_list(issuer: Issuer, tmp_path: Path, content: str) -> None:
    """Nobody is let in by a check that checks nothing; and a certificate there is no issuer."""
    lists = tmp_path / "revoked.pem"
    lists.write_bytes(issuer.file.read_bytes() if content == "a certificate" else content.encode())
    tls = settings_of(issuer, issuer.issue("firstread")).dicom_tls
    assert tls is not None
    settings = Settings(dicom_tls=tls.model_copy(update={"crl_file": lists}))
    (complained,) = complaints(settings)
    assert "no revocation list" in complained
    (said,) = unusable(settings)
    assert "revocation lists" in said
