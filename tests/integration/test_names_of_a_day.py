"""A day with a patient whose every word is marked: no log, metric, trace or message names anybody.

What leaves Firstread is gathered where it arrives: at rsyslog, at systems that take webhooks, mail
and HL7, at a collector of traces, at Prometheus's address, and in the log at its finest level. The
search reads bytes, and what is packed in base64; it is shown to find a mark in each of them.
"""

from __future__ import annotations

import base64
import functools
import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from email.message import Message
from pathlib import Path

import httpx
import pytest
from hl7.client import MLLPClient
from pydicom import dcmread

from phantom import make_phantom, phantom_grid
from phantom.identity import StudyIdentity
from phantom.lesions import EXTENSIVE_LESIONS
from phantom.study import write_phantom_study
from tests.builders.dicom.issuer import Issuer
from tests.builders.hl7_messages import order
from tests.builders.marked_patient import (
    ACCESSION,
    BIRTH_DATE,
    NAME,
    PATIENT_ID,
    marked_image,
    marks_in_folder,
)
from tests.peers.dicom.dcmtk import Dcmtk
from tests.peers.dicom.orthanc import OrthancPeer
from tests.peers.firstreads.embedded import Embedded, running_embedded
from tests.peers.flag_receivers import (
    MailReceiver,
    WebReceiver,
    running_mail_receiver,
    running_web_receiver,
)
from tests.peers.hl7_listener import ReceivedMessages, hl7_listener
from tests.peers.ports import free_port
from tests.peers.rsyslog import Repository, running_rsyslog
from tests.peers.trace_collector import TraceCollector, running_trace_collector
from tests.peers.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]

_FREE_TEXT = "Zzfreetext"  # what people and machines write beside the name
_BORN = "19170304"  # a day that there was, so that nothing passes over it as no date
_DATES = (_BORN, "1917-03-04", BIRTH_DATE, "1917-02-29")
_MARKS = (*NAME.split("^"), NAME.replace("^", " "), *_DATES, _FREE_TEXT)
_LIMIT_S = 300.0


@dataclass
class Outside:
    """Everything that Firstread says to others."""

    size: Embedded
    repository: Repository
    web: WebReceiver
    mail: MailReceiver
    hl7: ReceivedMessages
    collector: TraceCollector
    logs: Path

    def said(self) -> dict[str, list[bytes]]:
        """What has arrived by now, by where; `{}` of nothing."""
        metrics = httpx.get(f"{self.size.worklist_url}/metrics", trust_env=False, timeout=60)
        assert metrics.status_code == 200
        return {
            "log": [one.read_bytes() for one in self.logs.rglob("*.log")],
            "metrics": [metrics.content],
            "traces": list(self.collector.requests),
            "webhooks": [one.body + str(one.headers).encode() for one in self.web.received],
            "mail": [_mail_as_read(one) for one in self.mail.taken],
            "hl7": [one.encode() for one in self.hl7.texts],
            "syslog": [self.repository.file.read_bytes()],
        }


def _marks_in(said: dict[str, list[bytes]]) -> dict[str, set[str]]:
    """Which marks stand where."""
    return {
        where: {mark for mark in _MARKS if any(mark.lower().encode() in one for one in unpacked)}
        for where, unpacked in ((where, [_unpacked(one) for one in said[where]]) for where in said)
    }


@functools.cache  # a log at its finest level is searched many times
def _unpacked(text: bytes) -> bytes:
    """A text, and what stands in it in base64 (details of audit messages), in lower case.

    Where base64 begins is not known: a word or a slash may stand before it. So each run of its
    characters is read four times, from each of the first four on.
    """
    found = [text]
    for run in re.findall(rb"[A-Za-z0-9+/]{8,}", text):
        for start in range(4):
            part = run[start:]
            part = part[: len(part) - (len(part) % 4 == 1)]  # one character alone is no byte
            found.append(base64.b64decode(part + b"=" * (-len(part) % 4)))
    return b"\n".join(found).lower()


def _mail_as_read(mail: Message) -> bytes:
    """A mail as it came, and its parts decoded: a line end may stand within a word of base64."""
    parts = [one.get_payload(decode=True) for one in mail.walk() if not one.is_multipart()]
    return b"\n".join([mail.as_bytes(), *(one for one in parts if isinstance(one, bytes))])


@pytest.fixture
def outside(tmp_path: Path, orthanc: OrthancPeer) -> Iterator[Outside]:
    """Firstread with everything switched on that tells others something."""
    issuer = Issuer.new(tmp_path / "hospital")
    ours = issuer.issue("firstread.hospital", "firstread.hospital")
    port, hl7_port = free_port(), free_port()
    with ExitStack() as stack:
        repository = stack.enter_context(
            running_rsyslog(
                tmp_path / "repository",
                port=port,
                ours=issuer.issue("audit.hospital", "127.0.0.1"),
                issuer=issuer.file,
                permitted="firstread.hospital",
            )
        )
        web = stack.enter_context(running_web_receiver())
        mail = stack.enter_context(running_mail_receiver())
        ris = stack.enter_context(hl7_listener())
        collector = stack.enter_context(running_trace_collector())
        tls = {
            "ca_file": str(issuer.file),
            "certificate_file": str(ours.certificate),
            "key_file": str(ours.key),
        }
        channels = [
            {"kind": "webhook", "name": "pager", "url": web.url},
            {"kind": "hl7", "name": "ris", "host": "127.0.0.1", "port": ris.port},
            {
                "kind": "mail",
                "name": "mail",
                "host": "127.0.0.1",
                "port": mail.port,
                "sender": "firstread@hospital.example",
                "recipients": ["on-call@hospital.example"],
                "start_tls": False,
            },
        ]
        settings = {
            "LOG_LEVEL": "DEBUG",
            "FLAGS": json.dumps(channels),
            "HL7_LISTENER": json.dumps(
                {"host": "127.0.0.1", "port": hl7_port, "senders": ["127.0.0.1"]}
            ),
            "MONITORING": json.dumps({"traces_url": collector.url}),
            "AUDIT": json.dumps({"repository": {"host": "127.0.0.1", "port": port, "tls": tls}}),
        }
        logs = tmp_path / "site"
        logs.mkdir()
        size = stack.enter_context(
            running_embedded(logs, pacs=orthanc, settings=settings, limit_s=300)
        )
        yield Outside(size, repository, web, mail, ris, collector, logs)


def _marked_study(folder: Path) -> StudyIdentity:
    """An urgent study of the marked patient, with free text in its headers."""
    identity = StudyIdentity(
        key="named",
        patient_id=PATIENT_ID,
        patient_name=NAME,
        patient_birth_date=_BORN,
        accession_number=ACCESSION,
    )
    phantom = make_phantom(
        grid=phantom_grid((60, 128, 128), (5.0, 2.8, 2.8)), lesions=EXTENSIVE_LESIONS
    )
    write_phantom_study(phantom, folder, identity=identity)
    for file in folder.rglob("*.dcm"):
        dataset = dcmread(file)
        dataset.PatientComments = f"{_FREE_TEXT} of {NAME}"
        dataset.StudyDescription = f"{_FREE_TEXT} thorax"
        dataset.RequestingPhysician = f"{_FREE_TEXT}^Doctor"
        dataset.save_as(file)
    return identity


def _people_do_what_they_do(size: Embedded, uid: str) -> None:
    """Search by the name, open the study, comment, upload, ask for what is not there, sign in."""
    with httpx.Client(
        base_url=size.worklist_url,
        headers={"Origin": size.worklist_url},
        trust_env=False,
        timeout=120,
    ) as page:
        for address in ("/", f"/studies/{uid}", "/administration"):
            assert page.get(address).status_code == 200, address
        for address in (f"/{NAME}", f"/?q={NAME}&patient={NAME}", f"/studies/{NAME}/{_FREE_TEXT}"):
            page.get(address)
        found = page.post("/list/search", data={"q": NAME.split("^")[0]})
        assert found.status_code == 303
        assert page.get(found.headers["location"]).status_code == 200
        said = {
            "judgement": "disagree",
            "fault": "false-positive",
            "comment": f"{_FREE_TEXT} {NAME}",
        }
        commented = page.post("/results/1/feedback", data=said)
        assert commented.status_code == 303, commented.text
        file = (f"{NAME}.dcm", marked_image("2.25.77", 1))
        assert page.post("/uploads", files={"files": file}).status_code < 500
        page.post("/sign-in", data={"name": NAME, "password": _FREE_TEXT})
        page.get(f"/dicom-web/studies?PatientName={NAME}&PatientBirthDate={_BORN}")


def test_nobody_is_named_to_anybody(outside: Outside, dcmtk: Dcmtk, tmp_path: Path) -> None:
    """A study is ordered, read, flagged, delivered, looked at; broken and hostile objects come."""
    size = outside.size
    identity = _marked_study(tmp_path / "study")
    uid = identity.uid("study")
    first, last = NAME.split("^")
    hl7_port = json.loads(size.environment["FIRSTREAD_HL7_LISTENER"])["port"]
    patient = f"PID|1||{PATIENT_ID}^^^HOSPITAL^MR||{first}^{last}||{_BORN}|F"
    with MLLPClient("127.0.0.1", hl7_port) as client:
        ordered = order(ACCESSION, patient=patient) + f"NTE|1||{_FREE_TEXT} {NAME}\r".encode()
        assert b"MSA|AA|" in client.send_message(ordered)
        client.send_message(f"MSH|^~\\&|{NAME}|{_FREE_TEXT}\r".encode() + ordered[-60:])
    bad = tmp_path / "bad"
    bad.mkdir()
    (bad / "1.dcm").write_bytes(marked_image("2.25.78", 1))  # no pixels: it cannot be read
    dcmtk.dcmsend([bad / "1.dcm"], port=size.dicom_port, called_ae_title=size.ae_title)
    dcmtk.dcmsend(
        sorted((tmp_path / "study").rglob("*.dcm")),
        port=size.dicom_port,
        called_ae_title=size.ae_title,
    ).check()
    wait_until(lambda: outside.web.received, what="the pager to be told", limit_s=_LIMIT_S)
    _people_do_what_they_do(size, uid)
    wait_until(
        lambda: _has_said_all(outside.said(), uid),
        what="word of the study from everywhere, and its delivery in the audit trail",
        limit_s=_LIMIT_S,
        interval_s=1.0,
    )
    said = outside.said()
    assert _marks_in(said) == {where: set() for where in said}
    _require_a_mark_would_be_found(outside, said)


def _has_said_all(said: dict[str, list[bytes]], uid: str) -> bool:
    """Whether each place names this very study by its identifiers: it is this one that is told of.

    Metrics name no study, and a mail may have its address in a line that is folded.
    """
    joined = {where: b"\n".join(texts) for where, texts in said.items()}
    return (
        all(joined.values())
        and b"results_sent" in joined["syslog"]
        and all(PATIENT_ID.encode() in joined[one] for one in ("hl7", "syslog"))
        and all(
            any(uid.encode() in text for text in map(_unpacked, said[one]))
            for one in ("log", "traces", "webhooks", "hl7", "syslog")
        )
    )


def _require_a_mark_would_be_found(outside: Outside, said: dict[str, list[bytes]]) -> None:
    """In each of the places, plain or packed; and the same marks do stand where they belong."""
    for mark in _MARKS:
        for packed in (mark.encode(), base64.b64encode(f"it is {mark}".encode())):
            spoilt = {where: [*texts, b'{"x": "' + packed + b'"}'] for where, texts in said.items()}
            assert all(mark in found for found in _marks_in(spoilt).values()), mark
    kept = marks_in_folder(outside.size.data_folder, (NAME, _BORN, _FREE_TEXT))
    assert all(kept.values())
    with (outside.logs / "firstread.log").open("a") as log:
        log.write(json.dumps({"event": "study_arrives", "patient": NAME}) + "\n")
    assert NAME.split("^")[0] in _marks_in(outside.said())["log"]
