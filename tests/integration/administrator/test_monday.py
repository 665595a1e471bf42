"""A hospital's Monday by docs/hospital/monday.md: from certificates to the first flag, all by TLS.

The commands and the settings are those of the document. PostgreSQL, Redis, the PACS (Orthanc), the
scanners (dcmtk), the RIS and Prometheus are real ones that speak TLS and nothing else.
"""

from __future__ import annotations

import logging
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg
import pytest

from phantom import make_phantom, phantom_grid
from phantom.identity import StudyIdentity
from phantom.lesions import EXTENSIVE_LESIONS
from phantom.study import write_phantom_study
from tests.builders.hl7_messages import order
from tests.integration.administrator.documented_commands import Machine, commands_of
from tests.peers.dicom.dcmtk import Dcmtk
from tests.peers.dicom.orthanc import OrthancPeer
from tests.peers.hl7_listener import ReceivedMessages, hl7_listener
from tests.peers.ports import answers, free_port
from tests.peers.postgres import PostgresServer, start_postgres
from tests.peers.programs import REPOSITORY
from tests.peers.prometheus import running_prometheus
from tests.peers.redis import start_redis_with_tls
from tests.peers.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1200)]

_DOCUMENT = REPOSITORY / "docs" / "hospital" / "monday.md"
_LIMIT_S = 300.0
_PASSWORD = "nobody guesses this on a Monday"


@dataclass(frozen=True)
class Ports:
    """Where what listens; on a hospital's machines these are the ports of the document."""

    dicom: int
    page: int
    hl7: int


@dataclass
class Monday:
    """The hospital around the server."""

    machine: Machine
    ports: Ports
    postgres: PostgresServer
    pacs: OrthancPeer
    ris: ReceivedMessages

    def of(self, who: str) -> tuple[Path, Path]:
        """Certificate and key of a machine."""
        return _certified(self.machine, who)

    @property
    def issuer(self) -> Path:
        """Whom all of them trust."""
        return self.machine.folder / "srv/issuer/hospital-ca.pem"


def _certified(machine: Machine, who: str) -> tuple[Path, Path]:
    folder = machine.folder / "srv/issuer"
    return folder / f"{who}.pem", folder / f"{who}.key"


@pytest.fixture
def sections() -> dict[str, list[str]]:
    """The commands of the document by the number of their section."""
    found = commands_of(_DOCUMENT.read_text())
    return {title.partition(".")[0]: commands for title, commands in found.items()}


@pytest.fixture
def monday(
    tmp_path: Path,
    sections: dict[str, list[str]],
    another_orthanc: Callable[..., OrthancPeer],
) -> Iterator[Monday]:
    """Certificates as the document makes them, and the other machines with theirs."""
    machine = Machine(
        tmp_path / "server",
        # Of the machine that the tests run on: its cores, and its disk.
        environment={"FIRSTREAD_INFERENCE_THREADS": "1", "FIRSTREAD_MIN_FREE_BYTES": "0"},
    )
    machine.run(sections["1"])
    with ExitStack() as stack:
        issuer = machine.folder / "srv/issuer/hospital-ca.pem"
        certificate, key = _certified(machine, "db")
        postgres = start_postgres(certificate=certificate, key=key)
        stack.callback(postgres.stop)
        redis = start_redis_with_tls(tmp_path, certificate=certificate, key=key, ca_file=issuer)
        stack.callback(redis.stop)
        certificate, key = _certified(machine, "pacs")
        pacs = another_orthanc(
            options={
                "DicomTlsEnabled": True,
                "DicomTlsCertificate": str(certificate),
                "DicomTlsPrivateKey": str(key),
                "DicomTlsTrustedCertificates": str(issuer),
                "DicomTlsRemoteCertificateRequired": True,
            }
        )
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=issuer)
        context.load_cert_chain(*_certified(machine, "ris"))
        context.verify_mode = ssl.CERT_REQUIRED
        ris = stack.enter_context(hl7_listener(tls=context))
        ports = Ports(free_port(), free_port(), free_port())
        database = postgres.new_database().rpartition("/")[2]
        machine.changes = {
            "dicom_port = 2762": f"dicom_port = {ports.dicom}",
            "worklist_port = 443": f"worklist_port = {ports.page}",
            'host = "10.0.0.30"\nport = 2762': f'host = "10.0.0.30"\nport = {pacs.dicom_port}',
            "port = 2575": f"port = {ris.port}",
            "port = 2576": f"port = {ports.hl7}",
            "10.0.0.8:5432/firstread": f"10.0.0.8:{postgres.port}/{database}",
            "10.0.0.8:6379": f"10.0.0.8:{redis.port}",
        }
        machine.prepare()
        pacs.know_peer("FIRSTREAD", port=ports.dicom, name="firstread", tls=True)
        stack.callback(machine.kill)  # before those that it is connected with
        yield Monday(machine, ports, postgres, pacs, ris)


@pytest.fixture
def page(monday: Monday) -> Iterator[httpx.Client]:
    """Someone's browser, that trusts the hospital's issuer."""
    context = ssl.create_default_context(cafile=monday.issuer)
    address = f"https://127.0.0.1:{monday.ports.page}"
    with httpx.Client(base_url=address, verify=context, trust_env=False, timeout=60) as client:
        yield client


def _studies(folder: Path) -> dict[str, StudyIdentity]:
    """A patient of each scanner; the one of the emergency department is urgent."""
    made = {}
    for scanner, lesions in {"ct1": (), "ct2": EXTENSIVE_LESIONS}.items():
        phantom = make_phantom(grid=phantom_grid((60, 128, 128), (5.0, 2.8, 2.8)), lesions=lesions)
        made[scanner] = StudyIdentity(
            key=f"monday {scanner}", patient_id=f"P-{scanner}", accession_number=f"A-{scanner}"
        )
        write_phantom_study(phantom, folder / scanner, identity=made[scanner])
    return made


def _order_by_tls(monday: Monday, accession_number: str) -> bytes:
    """An order of the RIS in one frame of MLLP; gives the answer."""
    context = ssl.create_default_context(cafile=monday.issuer)
    context.load_cert_chain(*monday.of("ris"))
    address = ("127.0.0.1", monday.ports.hl7)
    with (
        socket.create_connection(address, timeout=60) as plain,
        context.wrap_socket(plain, server_hostname=address[0]) as line,
    ):
        line.sendall(b"\x0b" + order(accession_number) + b"\x1c\r")
        return line.recv(10_000)


def _require_nothing_in_clear(monday: Monday, dcmtk: Dcmtk) -> None:
    """No line is open beside TLS: DICOM both ways, the database, the page."""
    for port, title in ((monday.ports.dicom, "FIRSTREAD"), (monday.pacs.dicom_port, "ORTHANC")):
        plain = dcmtk.echoscu(port=port, called_ae_title=title, calling_ae_title="CT1")
        assert not plain.ok, title
    server = monday.postgres
    with psycopg.connect(
        host=server.host, port=server.port, user="firstread", dbname="postgres"
    ) as connection:
        rows = connection.execute(
            "SELECT ssl FROM pg_stat_activity JOIN pg_stat_ssl USING (pid) "
            "WHERE datname LIKE 'test_%'"
        ).fetchall()
    assert rows
    assert all(encrypted for (encrypted,) in rows)
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://127.0.0.1:{monday.ports.page}/health", trust_env=False, timeout=30)


def test_a_monday(
    monday: Monday,
    sections: dict[str, list[str]],
    page: httpx.Client,
    dcmtk: Dcmtk,
    tmp_path: Path,
) -> None:
    """Certificates, settings, start, doctor, two scanners, the flag; each by the document alone."""
    machine, ports = monday.machine, monday.ports
    began = time.monotonic()
    machine.run(sections["3"])
    for command in sections["5"]:
        if command.startswith("systemctl"):
            machine.systemctl(command)
        else:
            machine.run([command], typed=f"{_PASSWORD}\n")
    for part, port in {"node": ports.dicom, "worklist": ports.page, "hl7": ports.hl7}.items():
        machine.processes[part].wait_until_ready(lambda port=port: answers(port), limit_s=_LIMIT_S)
    wait_until(
        lambda: page.get("/health").json()["status"] == "ok",
        what="every part and a sweep",
        limit_s=_LIMIT_S,
    )
    said = machine.run(sections["6"])  # the doctor ends with 0 only where each line is fine
    assert "C-GET" in said
    tests = len(monday.ris.texts)
    assert tests == 2

    assert b"MSA|AA|" in _order_by_tls(monday, "A-ct2")
    studies = _studies(tmp_path / "studies")
    for scanner, title in {"ct2": "CT2", "ct1": "CT1"}.items():
        certificate, key = monday.of(scanner)
        dcmtk.storescu(
            [tmp_path / "studies" / scanner],
            port=ports.dicom,
            called_ae_title="FIRSTREAD",
            calling_ae_title=title,
            options=("+tls", str(key), str(certificate), "+cf", str(monday.issuer)),
        ).check()
    urgent = studies["ct2"].uid("study")
    wait_until(lambda: len(monday.ris.texts) > tests, what="the first flag", limit_s=_LIMIT_S)
    minutes = (time.monotonic() - began) / 60
    (flag,) = monday.ris.texts[tests:]
    assert urgent in flag
    assert "A-ct2" in flag
    for uid in (one.uid("study") for one in studies.values()):
        wait_until(
            lambda uid=uid: monday.pacs.count(StudyInstanceUID=uid, Modality="SR"),
            what="the results in PACS",
            limit_s=_LIMIT_S,
        )

    token = (machine.folder / "etc/firstread/metrics-token").read_text().strip()
    with running_prometheus(
        tmp_path / "prometheus",
        target=f"127.0.0.1:{ports.page}",
        token=token,
        ca_file=monday.issuer,
    ) as prometheus:
        wait_until(
            lambda: prometheus.value('firstread_flags_open{urgency="urgent"}') == 1,
            what="an open flag",
            limit_s=60,
        )
        for source in ("ct-1", "ct-emergency"):
            received = f'firstread_instances_received_total{{source="{source}",outcome="new"}}'
            wait_until(
                lambda asked=received: prometheus.value(asked) == 60, what=received, limit_s=60
            )
        assert [one["lastError"] for one in prometheus.targets()] == [""]
        assert prometheus.targets()[0]["scrapeUrl"].startswith("https://")
        files = "count(firstread_certificate_expiry_timestamp_seconds)"
        assert prometheus.value(files) == 2  # ours and the issuer's
    _require_nothing_in_clear(monday, dcmtk)
    assert minutes < 15
    logging.getLogger(__name__).info("%.1f minutes to the first flag", minutes)


def test_the_document_counts_its_commands(sections: dict[str, list[str]]) -> None:
    """What it says it takes is what stands in it."""
    (stated,) = re.findall(r"It is (\d+) commands", _DOCUMENT.read_text())
    assert sum(map(len, sections.values())) == int(stated)
