"""What somebody may try who wants into another's session, or past the sign-in page."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import httpx
import pytest

from database.session import query
from database.states import JobState
from database.tables.readers.account import AuditEvent, ReaderSession
from database.tables.study.analysis import Job, Study
from settings.environment import Settings
from settings.page.sign_in import Role
from settings.page.worklist_network import WorklistNetwork
from tests.builders.stored.readers import PASSWORD, SESSION_COOKIE, add_reader, signed_in_reader
from tests.unit.worklist.access.person import Person
from tests.unit.worklist.dicomweb.stow_body import ask
from tests.unit.worklist.list.ordinary_day import OrdinaryDay
from tests.unit.worklist.seeding import SeededHospital
from worklist.access.sign_in import local_address
from worklist.app import create_app
from worklist.page.csrf import csrf_token, put_tokens, token_of


@pytest.fixture
def browser(
    ordinary_day: OrdinaryDay, hospital: SeededHospital, worklist_settings: Settings
) -> Callable[..., Person]:
    """Give a function that opens a browser at a page where `reader` and `other` have accounts."""
    for name in ("reader", "other"):
        add_reader(hospital.engine, name, Role.READER, hospital.now)
    app = create_app(worklist_settings, hospital.engine, clock=lambda: hospital.now)
    return lambda **where: Person(app, **where)


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        " //evil.example",
        "javascript:alert(1)",
        "///evil.example",
        "evil.example",
        "/%\x00",
        "/" + "a" * 600,
        "/sign-out",
        "/live/worklist",
        "",
        "/é",
        "http:/evil.example",
    ],
)
def test_signing_in_leads_to_no_other_site(browser: Callable[..., Person], wanted: str) -> None:
    """Whatever a link to the sign-in page says, it goes on within the page."""
    assert local_address(wanted) == "/"
    person = browser()
    fields = person.form("/sign-in")
    answer = person.post(
        "/sign-in", {**fields, "next": wanted, "name": "reader", "password": PASSWORD}
    )
    if answer.status_code == 303:
        assert answer.headers["location"] == "/"


@pytest.mark.parametrize("wanted", ["/", "/studies/1.2.3", "/?show=urgent&after=1,2", "/account"])
def test_addresses_within_the_page_are_kept(wanted: str) -> None:
    """A link to a study still leads to it."""
    assert local_address(wanted) == wanted


def test_a_planted_session_is_not_taken_up(browser: Callable[..., Person]) -> None:
    """Session fixation: signing in makes a new token, and ends the one that the browser had."""
    attacker, victim = browser(), browser()
    attacker.sign_in("other")
    planted = attacker.session
    assert planted
    victim.cookies[SESSION_COOKIE] = planted
    fields = victim.form("/", "/sign-out")  # the victim's browser is "signed in" as the attacker
    victim.post("/sign-in", {**fields, "name": "reader", "password": PASSWORD})
    assert victim.session not in (None, planted)
    assert "reader" in victim.get("/").text
    assert attacker.get("/").status_code == 303


def test_a_planted_visit_gives_nothing(browser: Callable[..., Person]) -> None:
    """A visit that somebody planted does not become a session."""
    attacker, victim = browser(), browser()
    attacker.get("/sign-in")
    victim.cookies.update(attacker.cookies)
    victim.sign_in()
    assert attacker.get("/").status_code == 303


@pytest.mark.parametrize(
    "cookie",
    ["", "x", "x" * 43, "x" * 5000, "' or 1=1 --", "..%2f..%2f", "é" * 43, "reader", "\u202e" * 43],
)
def test_a_forged_cookie_is_nobody(browser: Callable[..., Person], cookie: str) -> None:
    """A cookie that we have not given leads to the sign-in page, and to no error."""
    answer = browser().get("/", Cookie=f"{SESSION_COOKIE}={cookie}".encode())
    assert answer.status_code == 303


def test_the_digest_in_the_database_is_no_token(
    hospital: SeededHospital, browser: Callable[..., Person]
) -> None:
    """Who has read the database cannot use what stands there as a cookie."""
    person = browser()
    person.sign_in()
    with query(hospital.engine) as session:
        kept = session.query(ReaderSession).one().token_sha256
    person.cookies = {SESSION_COOKIE: kept}
    assert person.get("/").status_code == 303


def _failed_job(hospital: SeededHospital, uid: str) -> Job:
    with query(hospital.engine) as session:
        return session.query(Job).join(Study).filter(Study.study_instance_uid == uid).one()


@pytest.mark.parametrize("token", ["", "x", "another session's", "the stand-in", "a visit's", None])
def test_a_form_needs_the_token_of_its_own_session(
    ordinary_day: OrdinaryDay,
    hospital: SeededHospital,
    browser: Callable[..., Person],
    token: str | None,
) -> None:
    """Without the token, or with one of another session, nothing is changed."""
    person, other = browser(), browser()
    visit = person.form("/sign-in")["csrf_token"]
    person.sign_in()
    other.sign_in("other")
    given = {
        "another session's": other.form("/", "/sign-out")["csrf_token"],
        "the stand-in": csrf_token(),
        "a visit's": visit,
    }
    form = {} if token is None else {"csrf_token": given.get(token, token)}
    job = _failed_job(hospital, ordinary_day.failed)
    answer = person.post(f"/jobs/{job.id}/retry", form)
    assert answer.status_code == 403
    assert "no longer valid" in answer.text
    assert _failed_job(hospital, ordinary_day.failed).state is JobState.FAILED


def test_the_token_of_ones_own_session_is_taken(
    ordinary_day: OrdinaryDay, hospital: SeededHospital, browser: Callable[..., Person]
) -> None:
    """The form as it stands on the page works, and so does the header for a script."""
    person = browser()
    person.sign_in()
    study = f"/studies/{ordinary_day.failed}"
    job = _failed_job(hospital, ordinary_day.failed)
    fields = person.form(study, f"/jobs/{job.id}/retry")
    assert person.post(f"/jobs/{job.id}/retry", fields).status_code == 303
    header = {"X-CSRF-Token": fields["csrf_token"]}
    assert person.post(f"/jobs/{job.id}/retry", {}, **header).status_code == 409


def test_every_form_has_its_token(
    ordinary_day: OrdinaryDay, hospital: SeededHospital, worklist_settings: Settings
) -> None:
    """Every form on every page that is posted carries the reader's token, and no stand-in."""
    token = signed_in_reader(hospital.engine, "chief", Role.ADMINISTRATOR, hospital.now)
    app = create_app(worklist_settings, hospital.engine, clock=lambda: hospital.now)
    person = Person(app)
    person.cookies[SESSION_COOKIE] = token
    pages = [f"/studies/{uid}" for uid in (ordinary_day.failed, ordinary_day.urgent)]
    for path in ("/", "/administration", "/account", *pages):
        html = person.get(path).text
        assert html.count('method="post"') == html.count(
            f'name="csrf_token" value="{token_of(token)}"'
        )
        assert csrf_token() not in html


def test_sign_in_itself_needs_a_token(browser: Callable[..., Person]) -> None:
    """Another site cannot sign a reader in under its own account."""
    answer = browser().post("/sign-in", {"name": "other", "password": PASSWORD})
    assert answer.status_code == 403
    assert "no longer valid" in answer.text


def test_another_site_cannot_sign_anybody_out(browser: Callable[..., Person]) -> None:
    """The check of the origin stands beside the token."""
    person = browser()
    person.sign_in()
    fields = person.form("/", "/sign-out")
    answer = person.post("/sign-out", fields, **{"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert person.get("/").status_code == 200


def test_tokens_are_put_in_without_changing_the_length() -> None:
    """The length that the answer names stays right."""
    body = f"<p>{csrf_token()}</p>".encode()
    assert len(put_tokens(body, "a secret")) == len(body)
    assert token_of("a secret").encode() in put_tokens(body, "a secret")
    assert token_of("a secret") != token_of("another secret")


@pytest.mark.parametrize("length", ["20000", "none"])
def test_nobody_can_fill_the_memory_before_signing_in(
    browser: Callable[..., Person], length: str
) -> None:
    """The sign-in form is small; more is refused before it is read."""
    person = browser()
    headers = {"Content-Length": length} if length != "none" else {"Content-Length": "x"}
    answer = person.post("/sign-in", {"name": "a" * 19_980, "password": ""}, **headers)
    assert answer.status_code in (400, 413)


def test_a_form_that_trickles_is_ended_before_signing_in(
    hospital: SeededHospital, worklist_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody keeps a connection by a form whose end never comes; one that comes is read whole."""
    monkeypatch.setattr("worklist.access.sign_in_gate.FORM_S", 0.5)
    app = create_app(worklist_settings, hospital.engine, sign_in_always=True)

    def sent(pause_s: float) -> httpx.Response:
        async def trickling() -> AsyncIterator[bytes]:
            for letter in b"name=a&password=b":
                yield bytes([letter])
                await asyncio.sleep(pause_s)

        headers = {
            "Content-Length": "17",
            "Content-Type": "application/x-www-form-urlencoded",
            "Origin": "http://127.0.0.1:8470",
        }
        return ask(app, "POST", "/sign-in", headers=headers, content=trickling())

    assert sent(0.1).status_code == 408
    assert sent(0.0).status_code == 403  # no token of ours is in it


@pytest.mark.parametrize("host", ["evil.example", "worklist.hospital.evil.example", "10.0.0.5"])
def test_a_foreign_host_name_sees_nothing(
    hospital: SeededHospital, worklist_settings: Settings, host: str
) -> None:
    """On a network the page answers to its own names only, so no link leads astray."""
    named = worklist_settings.model_copy(
        update={"worklist_network": WorklistNetwork(names=("worklist.hospital",))}
    )
    app = create_app(named, hospital.engine, clock=lambda: hospital.now, sign_in_always=True)
    assert Person(app, origin=f"http://{host}").get("/sign-in").status_code == 400
    ours = Person(app, origin="http://worklist.hospital")
    assert ours.get("/sign-in").status_code == 200
    assert ours.get("/").headers["location"] == "/sign-in"


def test_only_the_reverse_proxy_is_believed(
    hospital: SeededHospital, worklist_settings: Settings
) -> None:
    """X-Forwarded headers count from the proxy's address only; without https nothing is shown."""
    add_reader(hospital.engine, "reader", Role.READER, hospital.now)
    network = WorklistNetwork.model_validate(
        {"names": ["worklist.hospital"], "behind_proxy": ["10.0.0.1"]}
    )
    settings = worklist_settings.model_copy(update={"worklist_network": network})
    app = create_app(settings, hospital.engine, clock=lambda: hospital.now, sign_in_always=True)
    forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "10.7.7.7"}
    plain = "http://worklist.hospital"
    direct = Person(app, origin=plain, address="10.0.0.66")
    assert "only shown over https" in direct.get("/sign-in", **forwarded).text
    proxy = Person(app, origin=plain, address="10.0.0.1")
    assert proxy.get("/sign-in").status_code == 400
    answer = proxy.get("/sign-in", **forwarded)
    assert answer.status_code == 200
    assert "__Host-firstread-visit" in proxy.cookies
    token = answer.text.split('name="csrf_token" value="')[1].split('"')[0]
    form = {"csrf_token": token, "name": "reader", "password": "wrong"}
    assert proxy.post("/sign-in", form, **forwarded).status_code == 403
    with query(hospital.engine) as session:
        assert session.query(AuditEvent).one().address == "10.7.7.7"
