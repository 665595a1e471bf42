"""Who may use the services, with what, and what of it is recorded."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI

from database.accounts.kept import disable_account, set_password
from database.session import query, transaction
from database.tables.readers.account import AuditEvent
from database.tables.study.analysis import Instance
from settings.environment import Settings
from settings.page.sign_in import Role
from tests.builders.stored.held_study import hold_instances
from tests.builders.stored.readers import SESSION_COOKIE, add_reader, hash_of, signed_in_reader
from tests.unit.dicom_node.small_ct import SERIES, STUDY, small_ct
from tests.unit.worklist.dicomweb.small_study import OTHER_STUDY, ROOT, SmallStudy, slices
from tests.unit.worklist.dicomweb.stow_body import (
    STOW_TYPE,
    ask,
    basic,
    body_of,
    file_of,
    stow,
)
from tests.unit.worklist.seeding import SeededHospital
from worklist.access import machine_sign_in
from worklist.app import create_app

BROWSER = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def app(hospital: SeededHospital, site: Settings, study: SmallStudy) -> FastAPI:
    """Give a page with a reader, an administrator, and an account for programs."""
    add_reader(hospital.engine, "reader", Role.READER, hospital.now)
    add_reader(hospital.engine, "chief", Role.ADMINISTRATOR, hospital.now)
    add_reader(hospital.engine, "orthanc", Role.SENDER, hospital.now)
    return create_app(site, hospital.engine, clock=lambda: hospital.now)


def _events(hospital: SeededHospital, name: str) -> list[tuple[str, str, str]]:
    with query(hospital.engine) as session:
        rows = session.query(AuditEvent).filter_by(name=name).order_by(AuditEvent.id)
        return [(row.reader, row.study_instance_uid, row.patient_id) for row in rows]


def test_without_an_account_nothing_is_shown(app: FastAPI, study: SmallStudy) -> None:
    """401 everywhere, with the challenge of HTTP Basic; nothing says what is held."""
    for address in (
        f"{ROOT}/studies",
        study.address,
        f"{study.address}/metadata",
        f"{study.instance()}/frames/1",
        f"{study.instance()}/rendered",
        f"{ROOT}/studies/1.2.3",
    ):
        answer = ask(app, "GET", address)
        assert answer.status_code == 401, address
        assert answer.headers["www-authenticate"].startswith("Basic ")
        assert STUDY not in answer.text
    assert ask(app, "GET", f"{ROOT}/studies", headers=basic("reader", "wrong")).status_code == 401
    assert ask(app, "GET", f"{ROOT}/studies", headers=basic("nobody")).status_code == 401
    bad = {"Authorization": "Basic !!!"}
    assert ask(app, "GET", f"{ROOT}/studies", headers=bad).status_code == 401
    assert stow(app, [file_of(small_ct(9))]).status_code == 401


def test_a_browser_is_asked_by_the_page_and_not_by_itself(app: FastAPI) -> None:
    """No window of the browser's own, whose password it would send from anywhere ever after."""
    answer = ask(app, "GET", f"{ROOT}/studies", headers=BROWSER)
    assert answer.status_code == 401
    assert "www-authenticate" not in answer.headers
    assert (
        ask(app, "GET", f"{ROOT}/studies", headers={**BROWSER, **basic("reader")}).status_code
        == 401
    )


def test_who_may_read_and_who_may_store(app: FastAPI, hospital: SeededHospital) -> None:
    """Everybody with an account reads; programs and administrators store; a reader gets 403."""
    for name in ("reader", "chief", "orthanc"):
        assert ask(app, "GET", f"{ROOT}/studies", headers=basic(name)).status_code == 200
    refused = stow(app, [file_of(small_ct(9))], headers=basic("reader"))
    assert refused.status_code == 403
    assert "role sender" in refused.text
    assert [one[0] for one in _events(hospital, "not_allowed")] == ["reader"]
    for number, name in ((9, "chief"), (10, "orthanc")):
        assert stow(app, [file_of(small_ct(number))], headers=basic(name)).status_code == 200
    assert _events(hospital, "study_stored") == [("chief", STUDY, "P1"), ("orthanc", STUDY, "P1")]


def test_an_account_for_programs_sees_no_page(app: FastAPI, hospital: SeededHospital) -> None:
    """Its password at the sign-in page leads to a page that says whose account this is."""
    token = signed_in_reader(hospital.engine, "router", Role.SENDER, hospital.now)
    cookie = {"Cookie": f"{SESSION_COOKIE}={token}"}
    for address in ("/", f"/studies/{STUDY}", "/administration", "/ohif/"):
        answer = ask(app, "GET", address, headers=cookie)
        assert answer.status_code == 403, address
        assert "for programs" in answer.text


def test_a_session_reads_and_stores_only_with_its_token(
    app: FastAPI, hospital: SeededHospital
) -> None:
    """The cookie of an administrator reads; another site cannot make it store, and neither can a
    page of ours without the token of the session."""
    token = signed_in_reader(hospital.engine, "boss", Role.ADMINISTRATOR, hospital.now)
    cookie = {"Cookie": f"{SESSION_COOKIE}={token}"}
    assert ask(app, "GET", f"{ROOT}/studies", headers={**cookie, **BROWSER}).status_code == 200
    file = file_of(small_ct(9))
    for headers in (
        {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", **basic("chief")},  # a browser adds what it remembers
        {"Origin": "https://evil.example", **basic("chief")},
        {"Sec-Fetch-Site": "same-origin"},
        {},
    ):
        answer = stow(app, [file], headers={**cookie, **headers} if "Authorization" not in headers
                      else headers)  # fmt: skip
        assert answer.status_code == 403, headers
    simple = {**cookie, "Origin": "https://evil.example", "Content-Type": "text/plain"}
    body = body_of([file])
    assert ask(app, "POST", f"{ROOT}/studies", headers=simple, content=body).status_code == 403
    with query(hospital.engine) as session:
        assert session.query(Instance).filter_by(sop_instance_uid=f"{SERIES}.9").count() == 0


def test_passwords_are_throttled_like_at_the_page(app: FastAPI, hospital: SeededHospital) -> None:
    """After five failures 429 with a time, also with the right password; then in again."""
    for _ in range(5):
        ask(app, "GET", f"{ROOT}/studies", headers=basic("reader", "wrong password"))
    answer = ask(app, "GET", f"{ROOT}/studies", headers=basic("reader"))
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 900
    assert len(_events(hospital, "sign_in_failed")) == 6
    hospital.later(901)
    assert ask(app, "GET", f"{ROOT}/studies", headers=basic("reader")).status_code == 200


def test_a_password_is_looked_at_once_and_counts_while_it_is_the_password(
    app: FastAPI, hospital: SeededHospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hundreds of requests are one sign-in; a new password and a disabled account hold at once."""
    checked: list[str] = []
    check = machine_sign_in.check_password

    def counted(*arguments: object) -> object:
        checked.append("")
        return check(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(machine_sign_in, "check_password", counted)
    for _ in range(5):
        assert ask(app, "GET", f"{ROOT}/studies", headers=basic("reader")).status_code == 200
    assert len(checked) == 1
    assert [one[0] for one in _events(hospital, "signed_in")] == ["reader"]
    hospital.later(machine_sign_in.KNOWN_FOR.total_seconds() + 1)
    ask(app, "GET", f"{ROOT}/studies", headers=basic("reader"))
    assert len(checked) == 2
    with transaction(hospital.engine) as session:
        set_password(session, "reader", hash_of("another good password"), hospital.now)
    assert ask(app, "GET", f"{ROOT}/studies", headers=basic("reader")).status_code == 401
    new = basic("reader", "another good password")
    assert ask(app, "GET", f"{ROOT}/studies", headers=new).status_code == 200
    with transaction(hospital.engine) as session:
        disable_account(session, "reader", hospital.now)
    assert ask(app, "GET", f"{ROOT}/studies", headers=new).status_code == 401


def test_each_patient_is_recorded_and_each_study_once(
    app: FastAPI, hospital: SeededHospital, site: Settings, study: SmallStudy
) -> None:
    """A viewer's hundred requests are one event; another patient's study is another, and so is
    another reader's, and the same one after five minutes."""
    others = slices(1, StudyInstanceUID=OTHER_STUDY, SeriesInstanceUID="2.25.2.1", PatientID="P2")
    others[0].SOPInstanceUID = "2.25.2.1.1"
    hold_instances(site, hospital.engine, others)
    reader = basic("reader")
    ask(app, "GET", f"{ROOT}/studies?PatientID=P1", headers=reader)
    for number in (1, 2, 3):
        for what in ("", "/metadata", "/frames/1", "/rendered", "/bulkdata/7FE00010"):
            answer = ask(app, "GET", study.instance(number) + what, headers=reader)
            assert answer.status_code == 200
    assert _events(hospital, "study_retrieved") == [("reader", STUDY, "P1")]
    assert _events(hospital, "studies_searched") == [("reader", "", "")]
    ask(app, "GET", f"{ROOT}/studies/{OTHER_STUDY}/metadata", headers=reader)
    ask(app, "GET", f"{study.address}/metadata", headers=basic("orthanc"))
    hospital.later(timedelta(minutes=6).total_seconds())
    ask(app, "GET", f"{study.address}/metadata", headers=reader)
    assert _events(hospital, "study_retrieved")[1:] == [
        ("reader", OTHER_STUDY, "P2"),
        ("orthanc", STUDY, "P1"),
        ("reader", STUDY, "P1"),
    ]
    ask(app, "GET", f"{ROOT}/studies/1.2.3/metadata", headers=reader)
    assert len(_events(hospital, "study_retrieved")) == 4


@pytest.mark.parametrize(
    "address",
    [
        "/studies/..%2F..%2Fetc%2Fpasswd",
        "/studies/1.2.3%00",
        "/studies/" + "1" * 65,
        "/studies/1.02.3/metadata",
        f"/studies/{STUDY}/series/x/metadata",
        f"/studies/{STUDY}/series/{SERIES}/instances/%27%20OR%201=1/frames/1",
        f"/studies/{STUDY}/series/{SERIES}/instances/{SERIES}.1/frames/0",
        f"/studies/{STUDY}/series/{SERIES}/instances/{SERIES}.1/frames/1,,2",
        f"/studies/{STUDY}/series/{SERIES}/instances/{SERIES}.1/frames/99999999999",
        f"/studies/{STUDY}/series/{SERIES}/instances/{SERIES}.1/frames/" + "1," * 10_000 + "1",
        f"/studies/{STUDY}/series/{SERIES}/instances/{SERIES}.1/bulkdata/..%2F..%2Fspool",
        f"/studies/{STUDY}/series/{SERIES}/instances/{SERIES}.1/bulkdata/zzzzzzzz",
    ],
)
def test_a_hostile_address_is_refused(app: FastAPI, address: str) -> None:
    """400 in plain words that repeat nothing of it; 404 for what could be and is not there."""
    answer = ask(app, "GET", ROOT + address, headers=basic("reader"))
    assert answer.status_code in (400, 404), answer.text
    assert "passwd" not in answer.text
    assert "Traceback" not in answer.text


def test_a_hostile_accept_header_is_refused(app: FastAPI, study: SmallStudy) -> None:
    """Too long, too many, or numbers that are none."""
    for accept in ("a/b;q=x", "x" * 10_000, ",".join(["a/b"] * 100)):
        headers = {**basic("reader"), "Accept": accept}
        assert ask(app, "GET", study.address, headers=headers).status_code == 400


def test_the_content_type_of_a_store_is_no_form(app: FastAPI) -> None:
    """What a form of another site can send is not taken, whoever's password it carries."""
    for kind in (
        "multipart/form-data; boundary=x",
        "text/plain",
        STOW_TYPE.replace("related", "mixed"),
    ):
        answer = stow(app, [b""], headers=basic("chief"), content_type=kind)
        assert answer.status_code == 415


def test_requests_at_once_are_one_event(
    app: FastAPI, hospital: SeededHospital, study: SmallStudy
) -> None:
    """A viewer asks for many things shortly after each other, while the first is being recorded."""

    async def viewer() -> list[int]:
        transport = httpx.ASGITransport(app, client=("10.1.2.3", 5000))
        async with httpx.AsyncClient(
            transport=transport, base_url="http://127.0.0.1:8470", headers=basic("reader")
        ) as client:

            async def ask_for(number: int) -> int:
                await asyncio.sleep(number * 0.004)
                answer = await client.get(f"{study.instance(1 + number % 3)}/metadata")
                return answer.status_code

            return await asyncio.gather(*map(ask_for, range(60)))

    assert asyncio.run(viewer()) == [200] * 60
    assert _events(hospital, "study_retrieved") == [("reader", STUDY, "P1")]
