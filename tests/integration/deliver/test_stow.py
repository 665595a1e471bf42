"""STOW-RS to a real service, and what is made of the answers of services that are less kind."""

from __future__ import annotations

import base64
import json
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from pydicom import dcmread

from database.session import open_engine
from dicom_node.request.c_store import StoreAnswer
from dicom_node.request.stow import store_instances
from radiology.errors import PeerBusy, PeerRefused, PeerUnreachable, SettingsRefused
from settings.environment import Settings
from settings.peers import Peer
from tests.builders.stored.empty_database import make_tables
from tests.builders.stored.results import STUDY_UID, Site, object_uids
from tests.peers.dicom.orthanc import OrthancPeer
from tests.peers.ports import free_port
from tests.peers.programs import require_program
from tests.unit.dicom_node.small_ct import small_ct, write

pytestmark = pytest.mark.integration


def peer_at(url: str, **more: object) -> Peer:
    """A destination by STOW-RS."""
    return Peer.model_validate(
        {"name": "web", "ae_title": "WEB", "roles": ["destination"], "stow_url": url, **more}
    )


@dataclass
class WebService:
    """A service that answers every request with what a test has prepared."""

    url: str = ""
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)


@contextmanager
def running_service(
    status: int = 200, answer: Any = None, *, tls: ssl.SSLContext | None = None, **headers: str
) -> Iterator[WebService]:
    """Start it on a free port, and stop it at the end."""
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode() if answer else b""
    service = WebService(status=status, body=body, headers=headers)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            service.requests.append((self.path, dict(self.headers.items()), content))
            self.send_response(service.status)
            for name, value in service.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(service.body)))
            self.end_headers()
            self.wfile.write(service.body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    scheme = "http"
    if tls is not None:
        scheme = "https"
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    service.url = f"{scheme}://127.0.0.1:{server.server_address[1]}/dicom-web"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield service
    server.shutdown()
    server.server_close()


def answer_about(
    *, stored: str | None = None, failed: str | None = None, reason: int | None = None
) -> dict[str, Any]:
    """A Store Instances Response (PS3.18 Table I.2-2) about one instance."""
    item: dict[str, Any] = {"00081155": {"vr": "UI", "Value": [stored or failed]}}
    if reason is not None:
        item["00081197" if failed else "00081196"] = {"vr": "US", "Value": [reason]}
    return {"00081198" if failed else "00081199": {"vr": "SQ", "Value": [item]}}


def store(url: str, path: Path, secret: str | None = None, **more: object) -> StoreAnswer:
    """Store one file."""
    given = SecretStr(secret) if secret else None
    (answer,) = store_instances([path], peer_at(url, **more), given, timeout_s=5)
    return answer


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A small instance; its SOP Instance UID is 2.25.1.1.1."""
    return write(small_ct(), tmp_path / "ct")


UID = "2.25.1.1.1"


def test_orthanc_has_what_was_stored(orthanc: OrthancPeer, tmp_path: Path) -> None:
    """A result goes to Orthanc's DICOMweb service whole, and the delivery ends delivered."""
    settings = Settings(data_folder=tmp_path, peers=(peer_at(orthanc.dicomweb_url),))
    engine = open_engine(settings.database_address)
    make_tables(engine)
    site = Site(settings, engine)
    site.make_result()
    site.deliver()
    (delivery,) = site.deliveries()
    assert (delivery.state.value, delivery.error_message) == ("delivered", "")
    assert [one.status for one in delivery.statuses] == [0, 0, 0]
    assert orthanc.count(StudyInstanceUID=STUDY_UID) == 3
    for uid in object_uids().values():
        kept = dcmread(settings.results_folder / STUDY_UID / f"{uid}.dcm")
        assert orthanc.data_set(uid) == kept


def test_storing_twice_at_orthanc_does_no_harm(orthanc: OrthancPeer, file: Path) -> None:
    """An instance that is there already counts as stored."""
    assert store(orthanc.dicomweb_url, file).error is None
    assert store(orthanc.dicomweb_url, file).error is None
    assert orthanc.count() == 1


def test_what_orthanc_cannot_read_is_refused(orthanc: OrthancPeer, tmp_path: Path) -> None:
    """A file that is no DICOM is not even sent; one without identifiers is refused by Orthanc."""
    text = tmp_path / "notes.dcm"
    text.write_text("not DICOM" * 100)
    answer = store(orthanc.dicomweb_url, text)
    assert answer.error is not None
    assert answer.error.kind == "DataSetUnreadable"


def test_the_request_is_multipart_with_the_file_as_it_is(file: Path) -> None:
    """PS3.18 Section 8.6.1: one part of type application/dicom, byte for byte."""
    with running_service(200, answer_about(stored=UID)) as service:
        answer = store(service.url + "/", file)
    assert (answer.status, answer.error) == (0, None)
    ((path, headers, content),) = service.requests
    assert path == "/dicom-web/studies"
    assert headers["Content-Type"].startswith('multipart/related; type="application/dicom"')
    assert headers["Accept"] == "application/dicom+json"
    assert "Authorization" not in headers
    boundary = headers["Content-Type"].rpartition("=")[2].encode()
    head, _, rest = content.partition(b"\r\n\r\n")
    assert head == b"--" + boundary + b"\r\nContent-Type: application/dicom"
    assert rest == file.read_bytes() + b"\r\n--" + boundary + b"--\r\n"


@pytest.mark.parametrize(
    ("code", "answer", "status", "error"),
    [
        (200, answer_about(stored=UID), 0x0000, None),
        (200, [answer_about(stored=UID)], 0x0000, None),
        (200, None, 0x0000, None),
        (202, answer_about(stored=UID, reason=0xB000), 0xB000, None),
        (202, answer_about(failed=UID, reason=0x0122), 0x0122, PeerRefused),
        (409, answer_about(failed=UID, reason=0xA700), 0xA700, PeerBusy),
        (409, answer_about(failed=UID, reason=0xC123), 0xC123, PeerRefused),
        (409, answer_about(failed=UID, reason=0x0111), 0x0111, None),
        (409, answer_about(failed=UID), 0x0110, PeerBusy),
        (409, None, None, PeerRefused),
        (200, answer_about(stored="2.25.7"), None, PeerUnreachable),
        (202, None, None, PeerUnreachable),
        (200, b"<html>welcome</html>", None, PeerUnreachable),
        (200, b"[[[[", None, PeerUnreachable),
        (200, b'"text"', None, PeerUnreachable),
        (400, None, None, PeerRefused),
        (413, None, None, PeerRefused),
        (415, None, None, PeerRefused),
        (429, None, None, PeerBusy),
        (500, None, None, PeerBusy),
        (503, None, None, PeerBusy),
        (507, None, None, PeerBusy),
    ],
)
def test_what_an_answer_means(
    code: int, answer: Any, status: int | None, error: type | None, file: Path
) -> None:
    """Each answer of a service is stored, refused for good, or to be tried again."""
    with running_service(code, answer) as service:
        got = store(service.url, file)
    assert got.status == status
    assert type(got.error) is (error or type(None))


@pytest.mark.parametrize(
    ("code", "answer", "warning", "said", "error"),
    [
        (
            409,
            answer_about(failed=UID, reason=0xA700),
            '299 pacs "disk full"',
            "disk full",
            PeerBusy,
        ),
        (409, answer_about(failed=UID, reason=0xA700), '299 pacs "denied"', "denied", PeerRefused),
        (503, None, '299 pacs "no room for DOE^JANE"', "no room for DOE^JANE", PeerBusy),
        (400, None, "plain words", "plain words", PeerRefused),
        (400, None, "", "", PeerRefused),
    ],
)
def test_a_service_is_quoted(
    code: int, answer: Any, warning: str, said: str, error: type, file: Path
) -> None:
    """The Warning header of its answer, apart from what may be logged."""
    with running_service(code, answer, Warning=warning) as service:
        got = store(service.url, file)
    assert type(got.error) is error
    assert got.error is not None
    assert got.error.said == said
    assert "JANE" not in str(got.error)


@pytest.mark.parametrize(
    ("code", "words"),
    [(401, "other credentials"), (403, "does not allow"), (404, "correct stow_url")],
)
def test_what_would_meet_every_instance(code: int, words: str, file: Path) -> None:
    """A wrong address or secret is said once, with what to change, and nothing more is sent."""
    with running_service(code) as service:
        with pytest.raises(PeerRefused, match=words):
            store_instances([file] * 3, peer_at(service.url), None, timeout_s=5)
        assert len(service.requests) == 1


def test_a_redirect_is_not_followed(file: Path) -> None:
    """A patient's objects go where the settings say and nowhere else."""
    with (
        running_service(200) as elsewhere,
        running_service(307, Location=elsewhere.url + "/studies") as service,
    ):
        assert isinstance(store(service.url, file).error, PeerRefused)
        assert elsewhere.requests == []


def test_credentials(file: Path) -> None:
    """A secret goes with a user as basic authentication, and alone as a bearer token."""
    with running_service(200) as service:
        store(service.url, file, "geheim", stow_user="firstread")
        store(service.url, file, "geheim")
        basic, bearer = (headers["Authorization"] for _, headers, _ in service.requests)
    assert basic == "Basic " + base64.b64encode(b"firstread:geheim").decode()
    assert bearer == "Bearer geheim"


def test_orthanc_with_a_password(another_orthanc: Any, tmp_path: Path) -> None:
    """A delivery brings the password from its file, and a wrong one is told as what it is."""
    options = {"AuthenticationEnabled": True, "RegisteredUsers": {"firstread": "geheim"}}
    orthanc = another_orthanc(options=options, credentials=("firstread", "geheim"))
    secret_file = tmp_path / "secret"
    secret_file.write_text("geheim\n")
    peer = peer_at(orthanc.dicomweb_url, stow_user="firstread", stow_secret_file=secret_file)
    settings = Settings(data_folder=tmp_path / "data", peers=(peer,))
    path = write(small_ct(), tmp_path / "ct")
    (answer,) = store_instances([path], peer, settings.stow_secret(peer), timeout_s=5)
    assert answer.error is None
    with pytest.raises(PeerRefused, match="other credentials"):
        store_instances([path], peer, SecretStr("falsch"), timeout_s=5)


def test_nobody_listens(file: Path) -> None:
    """It may pass: the service is tried again."""
    with pytest.raises(PeerUnreachable):
        store(f"http://127.0.0.1:{free_port()}/dicom-web", file)


def test_a_service_that_breaks_off_in_the_middle(orthanc: OrthancPeer, file: Path) -> None:
    """A DICOM port does not speak HTTP; that is an answer too."""
    with pytest.raises(PeerUnreachable):
        store(f"http://127.0.0.1:{orthanc.dicom_port}/dicom-web", file)


def test_a_certificate_must_be_trusted(file: Path, tmp_path: Path) -> None:
    """Over TLS the issuer must be known; a certificate of the hospital's own is named by file."""
    certificate, key = tmp_path / "service.pem", tmp_path / "service.key"
    openssl = require_program("openssl", package="openssl")
    subprocess.run(
        [
            *(openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", key, "-out", certificate),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with running_service(200, tls=context) as service:
        answer = store(service.url, file, "geheim", stow_ca_file=certificate)
        assert (answer.status, answer.error) == (0, None)
        with pytest.raises(PeerRefused, match="certificate is not trusted"):
            store(service.url, file, "geheim")
        assert len(service.requests) == 1


def test_a_certificate_file_that_is_not_there(file: Path, tmp_path: Path) -> None:
    """The administrator is told which setting is wrong."""
    with pytest.raises(SettingsRefused, match="stow_ca_file"):
        store("https://127.0.0.1/dicom-web", file, stow_ca_file=tmp_path / "absent.pem")


def test_the_file_is_the_object(file: Path) -> None:
    """The test's own instance has the UID that its answers speak of."""
    assert dcmread(file).SOPInstanceUID == UID
