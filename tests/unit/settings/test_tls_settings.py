"""Which settings of TLS go together, and what a peer leaves to the node."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from pydantic import BaseModel, SecretStr, ValidationError

from settings.certificates.in_use import unusable
from settings.environment import Settings, read_settings
from settings.peers import Peer
from settings.tls import ClientTls, DicomTls, PeerTls, TlsProfile
from tests.peers.programs import REPOSITORY, require_program

OURS = DicomTls(
    certificate_file=Path("firstread.pem"), key_file=Path("firstread.key"), ca_file=Path("ca.pem")
)


def peer(**tls: Any) -> dict[str, Any]:
    """A scanner, as it stands in a settings file."""
    return {"name": "ct1", "ae_title": "CT1", "host": "10.0.0.1", "tls": tls}


def test_a_peer_leaves_to_the_node_what_it_does_not_say() -> None:
    """Our certificate, the issuers and the profile; what it says itself stays."""
    own = Path("other-ca.pem")
    given: dict[str, Any] = {"peers": (peer(ca_file=own), peer() | {"name": "ct2"})}
    settings = Settings(dicom_tls=OURS, **given)
    first, second = (one.tls for one in settings.peers)
    assert first == PeerTls(
        ca_file=own,
        certificate_file=OURS.certificate_file,
        key_file=OURS.key_file,
        profile=TlsProfile.NON_DOWNGRADING,
    )
    assert second is not None
    assert second.ca_file == OURS.ca_file


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"peers": (peer(),)}, "needs dicom_tls"),
        (
            {"dicom_tls": OURS, "peers": ({"name": "old", "ae_title": "OLD"},)},
            "cannot call us: old",
        ),
        (
            {"dicom_tls": OURS.model_copy(update={"plain_port": 104}), "dicom_port": 104},
            "plain_port is dicom_port",
        ),
        ({"dicom_tls": OURS, "peers": (peer() | {"host": None},)}, "which certificate is its own"),
        ({"dicom_tls": OURS, "peers": (peer(fingerprints=("ab:cd",)),)}, "64 hexadecimal digits"),
        ({"dicom_tls": OURS, "peers": (peer(key_file="a.key"),)}, "go together"),
        ({"database_tls": ClientTls(ca_file=Path("ca.pem"))}, "SQLite is no server"),
        (
            {"database_tls": ClientTls(), "database_url": SecretStr("postgresql://db/f")},
            "needs ca_file",
        ),
        (
            {"broker_tls": ClientTls(), "broker_url": SecretStr("redis://:word@redis/0")},
            "begins with rediss://",
        ),
    ],
)
def test_what_does_not_go_together(given: dict[str, Any], said: str) -> None:
    """Each is refused at start, with what to change."""
    with pytest.raises(ValidationError, match=said):
        Settings(**given)


def test_an_old_peer_with_a_plain_port() -> None:
    """Named once, by the setting that opens it."""
    tls = OURS.model_copy(update={"plain_port": 105})
    old = Peer(name="old", ae_title="OLD")  # type: ignore[arg-type]
    assert Settings(dicom_tls=tls, peers=(old,)).peers == (old,)


@pytest.mark.parametrize(
    "written",
    [
        "AB" * 32,
        ":".join(["ab"] * 32),
        "sha256 Fingerprint=" + ":".join(["AB"] * 32),  # as openssl prints it
        "SHA-256 " + "ab" * 32,
    ],
)
def test_fingerprints_as_they_are_copied(written: str) -> None:
    """With and without colons and openssl's words."""
    assert PeerTls(fingerprints=(written,)).fingerprints == ("ab" * 32,)


def test_the_address_of_a_database_by_tls() -> None:
    """libpq is told to check issuer and host, also where the URL has options of its own."""
    tls = ClientTls(
        ca_file=Path("/tls/ca.pem"),
        certificate_file=Path("/tls/a.pem"),
        key_file=Path("/tls/a.key"),
    )
    plain = SecretStr("postgresql+psycopg://f:word@db/f")
    asked = Settings(database_url=plain, database_tls=tls).database_address
    assert asked == (
        "postgresql+psycopg://f:word@db/f?sslmode=verify-full&sslrootcert=%2Ftls%2Fca.pem"
        "&sslcert=%2Ftls%2Fa.pem&sslkey=%2Ftls%2Fa.key"
    )
    more = SecretStr("postgresql://db/f?application_name=x")
    assert "?application_name=x&sslmode=verify-full" in (
        Settings(database_url=more, database_tls=tls).database_address
    )
    assert Settings(database_url=plain).database_address == plain.get_secret_value()


@pytest.mark.parametrize(("prefix", "model"), [("dicom_tls", DicomTls), ("peers.tls", PeerTls)])
def test_every_entry_is_documented(prefix: str, model: type[BaseModel]) -> None:
    """docs/settings.md names each entry, and none that is not there."""
    page = (REPOSITORY / "docs" / "settings.md").read_text()
    rows = "".join(line.split("|")[1] for line in page.splitlines() if line.startswith("| `"))
    named = re.findall(rf"`{re.escape(prefix)}\.([a-z_]+)`", rows)
    assert sorted(named) == sorted(model.model_fields)


def test_the_settings_of_the_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """docs/tls.md as it is copied into a file: scanner, PACS, a PACS of two entries, servers."""
    page = (REPOSITORY / "docs" / "tls.md").read_text()
    blocks = [one for one in re.findall(r"(?:^(?:    .*)?\n)+", page, re.MULTILINE) if " = " in one]
    first, twice, servers = (one for one in blocks if "[[peers]]" in one or "_tls]" in one)
    ours = first[: first.index("[[peers]]")]
    file = tmp_path / "firstread.toml"
    monkeypatch.setenv("FIRSTREAD_SETTINGS_FILE", str(file))

    def read(written: str) -> Settings:
        file.write_text(written)
        return read_settings()

    scanner, pacs = read(first).peers
    assert scanner.tls is not None
    assert (scanner.tls.names, scanner.tls.ca_file) == (
        ("ct1.hospital",),
        Path("/etc/firstread/tls/hospital-ca.pem"),
    )
    assert pacs.tls is not None
    by_tls, plain = read(ours + twice).peers
    assert (by_tls.tls is None, plain.tls is None) == (False, True)
    several_hosts = read(servers)
    assert "sslmode=verify-full" in several_hosts.database_address
    assert several_hosts.broker_tls is not None


def test_the_commands_of_the_document_make_a_certificate(tmp_path: Path) -> None:
    """docs/tls.md: key and request, an issuer of one's own, and what that issues."""
    page = (REPOSITORY / "docs" / "tls.md").read_text()
    blocks = re.findall(r"(?:^    .*\n)+", page, re.MULTILINE)
    lines = "".join(one for one in blocks if "openssl req" in one).replace("\\\n", " ")
    commands = [shlex.split(line) for line in lines.splitlines()]
    assert [one[:2] for one in commands] == [
        ["openssl", "req"],
        ["openssl", "req"],
        ["openssl", "x509"],
    ]
    openssl = str(require_program("openssl", package="openssl"))
    further: tuple[list[str], ...] = (
        [],
        ["-passout", "pass:of the test"],
        ["-passin", "pass:of the test"],
    )
    for command, more in zip(commands, further, strict=True):
        subprocess.run(
            [openssl, *command[1:], *more], cwd=tmp_path, check=True, capture_output=True
        )
    tls = DicomTls(
        certificate_file=tmp_path / "firstread.pem",
        key_file=tmp_path / "firstread.key",
        ca_file=tmp_path / "dicom-ca.pem",
    )
    settings = Settings(dicom_tls=tls)
    assert list(unusable(settings)) == []
    made = x509.load_pem_x509_certificate(tls.certificate_file.read_bytes())
    purposes = made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH} == set(purposes)
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["firstread.hospital"]
