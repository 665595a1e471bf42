"""STOW-RS: what comes through it is stored, refused and kept as what comes by C-STORE."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydicom import dcmread
from pydicom.uid import (
    MPEG2MPML,
    ComprehensiveSRStorage,
    MRImageStorage,
)
from sqlalchemy import select
from structlog.testing import capture_logs

from database.session import Engine, query
from database.states import AssociationEnding
from database.tables.readers.account import AuditEvent
from database.tables.study.analysis import Association, Instance, Study
from database.tables.study.quarantine import QuarantinedObject
from dicom_node.receive.file_meta import encode_file_meta
from dicom_node.receive.stow_door import StowDoor
from dicom_node.status import CANNOT_UNDERSTAND
from settings.environment import Settings
from settings.page.sign_in import Role
from tests.builders.stored.readers import add_reader
from tests.unit.dicom_node.small_ct import SERIES, STUDY, encoded, small_ct
from tests.unit.worklist.dicomweb.small_study import parts_of
from tests.unit.worklist.dicomweb.stow_body import (
    BOUNDARY,
    STOW_TYPE,
    ask,
    basic,
    body_of,
    file_of,
    stow,
)
from tests.unit.worklist.seeding import SeededHospital
from worklist.app import create_app

_FAILED, _STORED, _UNNAMED = "00081198", "00081199", "0008119A"


@pytest.fixture
def app(hospital: SeededHospital, site: Settings) -> FastAPI:
    """Give the page where nobody has an account."""
    return create_app(site, hospital.engine, clock=lambda: hospital.now)


def _rows(engine: Engine, table: type[Any]) -> list[Any]:
    with query(engine) as session:
        found = list(session.scalars(select(table).order_by(table.id)))
        session.expunge_all()
        return found


def _reasons(answer: Any, tag: str = _FAILED) -> list[int]:
    return [one["00081197"]["Value"][0] for one in answer.json().get(tag, {}).get("Value", [])]


def test_instances_are_stored_and_can_be_had(
    app: FastAPI, hospital: SeededHospital, site: Settings
) -> None:
    """200 with a reference for each; rows, files and the end of the request as of an association;
    what is retrieved is what was sent; who brought the study is recorded."""
    sent = [small_ct(number) for number in (1, 2, 3)]
    answer = stow(app, map(file_of, sent), study=STUDY)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/dicom+json"
    assert set(answer.json()) == {_STORED}
    stored = answer.json()[_STORED]["Value"]
    assert [one["00081155"]["Value"][0] for one in stored] == [one.SOPInstanceUID for one in sent]
    (study,) = _rows(hospital.engine, Study)
    assert (study.study_instance_uid, study.calling_ae_title) == (STUDY, "STOW-RS")
    (association,) = _rows(hospital.engine, Association)
    assert association.ending is AssociationEnding.RELEASED
    assert association.address == "10.1.2.3"
    instances = _rows(hospital.engine, Instance)
    assert {one.association_id for one in instances} == {association.id}
    back = ask(
        app,
        "GET",
        stored[0]["00081190"]["Value"][0],
        headers={"Accept": 'multipart/related; type="application/dicom"; transfer-syntax=*'},
    )
    assert len(parts_of(back)) == 3
    for one, data_set in zip(instances, sent, strict=True):
        kept = site.spool_folder / one.path
        assert dcmread(kept).PixelData == data_set.PixelData
        assert dcmread(kept).file_meta.SourceApplicationEntityTitle == "STOW-RS"
    events = [(one.name, one.study_instance_uid) for one in _rows(hospital.engine, AuditEvent)]
    assert ("study_stored", STUDY) in events


def test_twice_is_once(app: FastAPI, hospital: SeededHospital) -> None:
    """The same object again is a success and changes nothing, also after a C-STORE's encoding."""
    for _ in range(2):
        assert stow(app, [file_of(small_ct())]).status_code == 200
    assert len(_rows(hospital.engine, Instance)) == 1


def test_each_failure_has_the_status_of_the_node(
    app: FastAPI, hospital: SeededHospital, site: Settings
) -> None:
    """202 where some are stored; the reasons are the DIMSE statuses; what is worth it is kept."""
    good, other = small_ct(1), small_ct(1)
    other.PixelData = bytes(512)
    assert stow(app, [file_of(good)]).status_code == 200
    cases = {
        0x0111: file_of(other),
        0xC101: _without(small_ct(3), "SeriesInstanceUID"),
        0xC102: file_of(small_ct(4)).replace(b"UI\x08\0" + SERIES.encode(), b"UI\x08\x002.25.001"),
        0xC000: file_of(small_ct(5))[:-100],
        0xA900: file_of(small_ct(6, StudyInstanceUID="2.25.99")),
        0xC122: _as(small_ct(7), MPEG2MPML),
    }
    answer = stow(app, [*cases.values(), b"no DICOM at all" * 20], study=STUDY)
    assert answer.status_code == 409
    assert _reasons(answer) == list(cases)
    assert _reasons(answer, _UNNAMED) == [0xC000]
    kept = _rows(hospital.engine, QuarantinedObject)
    assert [one.status for one in kept] == [*cases, 0xC000]
    assert all(one.calling_ae_title == "STOW-RS" for one in kept)
    raw = site.quarantine_folder / kept[-1].path
    assert raw.read_bytes() == b"no DICOM at all" * 20
    mixed = stow(app, [file_of(small_ct(8)), b"nothing"])
    assert mixed.status_code == 202
    assert _reasons(mixed, _UNNAMED) == [0xC000]
    assert len(_rows(hospital.engine, Instance)) == 2


def _without(data_set: Any, keyword: str) -> bytes:
    delattr(data_set, keyword)
    return file_of(data_set)


def _as(data_set: Any, syntax: str) -> bytes:
    """The file as if it were in another transfer syntax."""
    meta = encode_file_meta(
        sop_class_uid=data_set.SOPClassUID,
        sop_instance_uid=data_set.SOPInstanceUID,
        transfer_syntax_uid=syntax,
        calling_ae_title="X",
        called_ae_title="Y",
    )
    return meta + encoded(data_set)


def test_what_the_node_does_not_keep_is_answered_alike(
    app: FastAPI, hospital: SeededHospital
) -> None:
    """A report beside the CT: success. Another modality: a warning, noted once. Neither is kept."""
    report = small_ct(1, SOPClassUID=ComprehensiveSRStorage, Modality="SR")
    foreign = [small_ct(number, SOPClassUID=MRImageStorage, Modality="MR") for number in (2, 3)]
    answer = stow(app, [file_of(report), *map(file_of, foreign)])
    assert answer.status_code == 202
    warnings = [one.get("00081196") for one in answer.json()[_STORED]["Value"]]
    assert warnings == [None, *[{"vr": "US", "Value": [0xB006]}] * 2]
    assert _rows(hospital.engine, Instance) == []
    assert len(_rows(hospital.engine, QuarantinedObject)) == 1


def test_no_room_is_told_to_come_again(
    hospital: SeededHospital, worklist_settings: Settings
) -> None:
    """503, as 0xA700 is by C-STORE; nothing goes to quarantine."""
    full = worklist_settings.model_copy(update={"min_free_bytes": 10**18})
    app = create_app(full, hospital.engine, clock=lambda: hospital.now)
    answer = stow(app, [file_of(small_ct())])
    assert answer.status_code == 503
    assert _reasons(answer) == [0xA700]
    assert _rows(hospital.engine, QuarantinedObject) == []


def test_a_large_instance_is_refused_and_leaves_nothing(
    hospital: SeededHospital, site: Settings
) -> None:
    """0xC103 by the node's own limit; the next one of the request is stored."""
    small = site.model_copy(update={"max_instance_bytes": 2000})
    app = create_app(small, hospital.engine, clock=lambda: hospital.now)
    large = small_ct(1)
    large.add_new(0x00291001, "OB", bytes(5_000_000))
    answer = stow(app, [file_of(large), file_of(small_ct(2))])
    assert answer.status_code == 202
    assert _reasons(answer) == [0xC103]
    assert [path.name for path in site.spool_folder.rglob("*.dcm")] == [f"{SERIES}.2.dcm"]


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/dicom", b"x", 415),
        ('multipart/related; type="application/dicom+json"; boundary=x', b"x", 415),
        ("multipart/form-data; boundary=x", b"x", 415),
        ('multipart/related; type="application/dicom"', b"x", 400),
        (f'multipart/related; type="application/dicom"; boundary={"x" * 201}', b"x", 400),
        (STOW_TYPE, b"", 400),
        (STOW_TYPE, b"not what was announced", 400),
        (STOW_TYPE, body_of([]), 400),
        (STOW_TYPE, body_of([b"cut"])[:-20], 400),
        (STOW_TYPE, f"--{BOUNDARY}\r\nX: ".encode() + b"y" * 100_000, 400),
        (STOW_TYPE, f"--{BOUNDARY}\r\nContent-Type".encode(), 400),
    ],
)
def test_a_broken_body_is_refused(
    app: FastAPI,
    hospital: SeededHospital,
    site: Settings,
    content_type: str,
    body: bytes,
    status: int,
) -> None:
    """A clear answer, no file left over, and the row of the request has its end."""
    answer = ask(
        app, "POST", "/dicom-web/studies", headers={"Content-Type": content_type}, content=body
    )
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("text/plain")
    assert list(site.spool_folder.rglob("*.dcm")) == []
    assert all(one.ended_at is not None for one in _rows(hospital.engine, Association))


def test_what_came_whole_before_the_break_is_stored(app: FastAPI, hospital: SeededHospital) -> None:
    """The sender is told 400 and comes again; what is stored twice is stored once."""
    body = body_of([file_of(small_ct(1)), file_of(small_ct(2))])[:-300]
    answer = ask(
        app, "POST", "/dicom-web/studies", headers={"Content-Type": STOW_TYPE}, content=body
    )
    assert answer.status_code == 400
    assert len(_rows(hospital.engine, Instance)) == 1
    (association,) = _rows(hospital.engine, Association)
    assert association.ending is AssociationEnding.ABORTED
    assert stow(app, [file_of(small_ct(1)), file_of(small_ct(2))]).status_code == 200


def test_a_bomb_of_parts_is_refused(
    app: FastAPI, hospital: SeededHospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So many parts and no more; quarantine has its own limits."""
    monkeypatch.setattr("worklist.dicomweb.store_body._MOST_PARTS", 30)
    answer = stow(app, [b"x"] * 100)
    assert answer.status_code == 413
    kept = _rows(hospital.engine, QuarantinedObject)
    assert len(kept) == 30
    assert sum(one.path is not None for one in kept) == 20


def test_a_file_that_comes_byte_by_byte(hospital: SeededHospital, site: Settings) -> None:
    """Its beginning is not read anew with each byte: minutes of a processor for 20 kB."""
    door = StowDoor(site, hospital.engine, lambda: hospital.now)
    request = door.begin("10.1.2.3")
    file = request.file()
    beginning = bytes(128) + b"DICM" + b"\x02\0\x0d\x0dUI\0\0" * 2500
    began = time.process_time()
    for at in range(len(beginning)):
        file.write(beginning[at : at + 1])
    assert file.end().answer.status == CANNOT_UNDERSTAND
    assert time.process_time() - began < 5
    request.end(is_whole=True)
    door.close()


def test_too_many_requests_at_a_time_wait(
    hospital: SeededHospital, site: Settings, tmp_path: Path
) -> None:
    """As many as the node takes associations; the others are told when to come again."""
    app = create_app(site, hospital.engine, clock=lambda: hospital.now)
    places = app.state.store.places
    for number in range(site.max_associations):
        assert places.begin(f"sender {number}")
    answer = stow(app, [file_of(small_ct())])
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0


def test_one_account_does_not_take_every_place(hospital: SeededHospital, site: Settings) -> None:
    """While one sender's requests do not end, another one's are taken."""
    for name in ("router", "archive"):
        add_reader(hospital.engine, name, Role.SENDER, hospital.now)
    app = create_app(site, hospital.engine, clock=lambda: hospital.now)
    while app.state.store.places.begin("router"):
        pass
    files = [file_of(small_ct())]
    assert stow(app, files, headers=basic("router")).status_code == 503
    assert stow(app, files, headers=basic("archive")).status_code == 200


@pytest.mark.timeout(60)
def test_a_body_that_trickles_is_ended(
    hospital: SeededHospital, site: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A byte now and then is never silent for long, and holds a place for hours: 408. One that
    pauses, and has been fast enough, is taken."""
    impatient = site.model_copy(update={"association_idle_s": 0.5})
    app = create_app(impatient, hospital.engine, clock=lambda: hospital.now)
    body = body_of([file_of(small_ct())])

    def sent(pieces: list[bytes], pause_s: float) -> httpx.Response:
        async def trickling() -> AsyncIterator[bytes]:
            for piece in pieces:
                yield piece
                await asyncio.sleep(pause_s)

        return ask(
            app,
            "POST",
            "/dicom-web/studies",
            headers={"Content-Type": STOW_TYPE},
            content=trickling(),
        )

    slow = sent([body[at : at + 1] for at in range(len(body))], 0.1)
    assert slow.status_code == 408
    assert "too slowly" in slow.text
    assert all(one.ended_at is not None for one in _rows(hospital.engine, Association))
    monkeypatch.setattr("worklist.dicomweb.store._LEAST_BYTES_A_SECOND", 2000)
    halves = [body[: len(body) // 2], body[len(body) // 2 :]]
    assert sent(halves, 0.3).status_code == 200


def test_a_sender_gone_wild_does_not_fill_the_log(app: FastAPI) -> None:
    """Of thousands of empty parts a hundred have a line, and then one says that there are more."""
    with capture_logs() as lines:
        answer = stow(app, [b""] * 130)
    assert _reasons(answer, _UNNAMED) == [0xC000] * 130
    said = Counter(one["event"] for one in lines)
    assert (said["instance_not_stored"], said["refusals_not_listed"]) == (100, 1)
    (end,) = [one for one in lines if one["event"] == "stow_received"]
    assert end["files"] == 130
