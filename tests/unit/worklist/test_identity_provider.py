"""Signing in by an OpenID Connect provider that is not ours, honest and otherwise."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import httpx
import pytest

from database.account_tables import AuditEvent
from database.accounts import disable_account, list_accounts
from database.session import reading, transaction
from settings.environment import Settings
from settings.sign_in import IdentityProvider, Role, SignIn
from tests.builders.readers import add_reader
from tests.peers.identity_provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    RunningProvider,
    running_identity_provider,
)
from tests.peers.ports import free_port
from tests.unit.worklist.person import Person
from tests.unit.worklist.seeding import SeededHospital
from worklist.app import create_app

ORIGIN = "http://127.0.0.1:8470"
CALLBACK = f"{ORIGIN}/sign-in/callback"
PEOPLE: dict[str, dict[str, Any]] = {
    "wu": {"sub": "17", "preferred_username": "Dr.Wu", "groups": ["staff", "radiology"]},
    "chief": {"sub": "1", "preferred_username": "chief", "groups": ["radiology", "pacs-admins"]},
    "cook": {"sub": "99", "preferred_username": "cook", "groups": ["kitchen"]},
    "nameless": {"sub": "5", "groups": ["radiology"]},
    "one-group": {"sub": "6", "preferred_username": "li", "groups": "radiology"},
    "local": {"sub": "7", "preferred_username": "local", "groups": ["radiology"]},
}


@pytest.fixture
def idp(tmp_path: Path) -> Iterator[RunningProvider]:
    """Give a running provider."""
    with running_identity_provider(PEOPLE, redirect_uris=[CALLBACK], folder=tmp_path) as running:
        yield running


def _provider(idp: RunningProvider, **change: Any) -> IdentityProvider:
    return IdentityProvider.model_validate(
        {
            "issuer": idp.issuer,
            "client_id": CLIENT_ID,
            "secret": CLIENT_SECRET,
            "ca_file": idp.certificate,
            "roles": {"radiology": "reader", "pacs-admins": "administrator"},
            **change,
        }
    )


@pytest.fixture
def page(
    hospital: SeededHospital, worklist_settings: Settings
) -> Callable[[IdentityProvider], Person]:
    """Give a function that opens a browser at a page with an identity provider."""

    def open_page(provider: IdentityProvider) -> Person:
        settings = worklist_settings.model_copy(update={"sign_in": SignIn(provider=provider)})
        # The real clock: the provider has it too.
        clock = lambda: datetime.now(UTC)  # noqa: E731
        return Person(
            create_app(settings, hospital.engine, clock=clock, sign_in_always=True), origin=ORIGIN
        )

    return open_page


def _go(idp: RunningProvider, person: Person, who: str, wanted: str = "/") -> str:
    """Go to the provider, say who one is, and give the address that leads back."""
    there = person.get(f"/sign-in/provider?{urlencode({'next': wanted})}")
    assert there.status_code == 303, there.text
    trust = ssl.create_default_context(cafile=idp.certificate)
    with httpx.Client(verify=trust) as client:
        asked = urlsplit(there.headers["location"])
        assert "Who are you?" in client.get(there.headers["location"]).text
        back = client.get(
            f"{asked.scheme}://{asked.netloc}/as?{urlencode({'who': who})}&{asked.query}"
        )
    address = urlsplit(back.headers["location"])
    assert f"{address.scheme}://{address.netloc}{address.path}" == CALLBACK
    return f"{address.path}?{address.query}"


def _changed(address: str, **change: str | None) -> str:
    path, query = address.split("?")
    given = {**dict(parse_qsl(query)), **change}
    return f"{path}?{urlencode({name: value for name, value in given.items() if value})}"


@pytest.mark.parametrize("in_token", [True, False])
@pytest.mark.parametrize(
    ("who", "name", "role"),
    [
        ("wu", "dr.wu", Role.READER),
        ("chief", "chief", Role.ADMINISTRATOR),
        ("one-group", "li", Role.READER),
    ],
)
def test_a_person_signs_in(
    idp: RunningProvider,
    page: Callable[[IdentityProvider], Person],
    hospital: SeededHospital,
    who: str,
    name: str,
    role: Role,
    in_token: bool,
) -> None:
    """Name and role come from the provider's claims, in the ID token or only in the userinfo."""
    idp.claims_in_token = in_token
    person = page(_provider(idp))
    answer = person.get(_go(idp, person, who, "/account"))
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"] == "/account"
    assert name in person.get("/account").text
    assert person.get("/administration").status_code == (200 if role is Role.ADMINISTRATOR else 403)
    with reading(hospital.engine) as session:
        (row,) = list_accounts(session)
    assert (row.name, row.role, row.local) == (name, role, False)
    assert "firstread-errand" not in person.cookies


def test_what_is_asked_for(
    idp: RunningProvider, page: Callable[[IdentityProvider], Person]
) -> None:
    """Code flow with PKCE (S256), state and nonce; the verifier goes to the token endpoint only."""
    person = page(_provider(idp))
    asked = parse_qs(urlsplit(person.get("/sign-in/provider").headers["location"]).query)
    assert asked["response_type"] == ["code"]
    assert asked["code_challenge_method"] == ["S256"]
    assert len(asked["state"][0]) == len(asked["nonce"][0]) == 43
    person.get(_go(idp, person, "wu"))
    (request,) = idp.token_requests
    assert len(request["code_verifier"]) == 43
    assert "client_secret" not in request  # it went by basic authentication


def test_each_attempt_has_its_own_secrets(
    idp: RunningProvider, page: Callable[[IdentityProvider], Person]
) -> None:
    """State, nonce and challenge differ from attempt to attempt."""
    person = page(_provider(idp))
    one, other = (
        parse_qs(urlsplit(person.get("/sign-in/provider").headers["location"]).query)
        for _ in range(2)
    )
    for name in ("state", "nonce", "code_challenge"):
        assert one[name] != other[name]


def test_the_button_is_only_there_with_a_provider(
    idp: RunningProvider,
    page: Callable[[IdentityProvider], Person],
    hospital: SeededHospital,
    worklist_settings: Settings,
) -> None:
    """Not configured: no button, and no such address."""
    assert 'id="provider"' in page(_provider(idp)).get("/sign-in").text
    add_reader(hospital.engine, "reader")
    without = Person(create_app(worklist_settings, hospital.engine))
    assert 'id="provider"' not in without.get("/sign-in").text
    assert without.get("/sign-in/provider").status_code == 404


@pytest.mark.parametrize("who", ["cook", "nameless", "local"])
def test_who_has_no_role_or_no_name_is_not_let_in(
    idp: RunningProvider,
    page: Callable[[IdentityProvider], Person],
    hospital: SeededHospital,
    who: str,
) -> None:
    """The page says what to do, and the attempt is recorded."""
    person = page(_provider(idp))
    answer = person.get(_go(idp, person, who))
    assert answer.status_code == 403
    assert "your account may have no role here" in answer.text
    assert person.session is None
    with reading(hospital.engine) as session:
        event = session.query(AuditEvent).one()
        assert (event.name, event.reader, event.succeeded) == ("sign_in_failed", "unknown", False)


def test_a_role_that_is_taken_away(
    idp: RunningProvider, page: Callable[[IdentityProvider], Person], hospital: SeededHospital
) -> None:
    """At the next sign-in the provider's groups count, not what was here before."""
    person = page(_provider(idp))
    person.get(_go(idp, person, "chief"))
    idp.overrides = {"groups": ["radiology"]}
    person.get(_go(idp, person, "chief"))
    assert person.get("/administration").status_code == 403
    idp.overrides = {"groups": []}
    assert person.get(_go(idp, person, "chief")).status_code == 403


def test_a_disabled_account(
    idp: RunningProvider, page: Callable[[IdentityProvider], Person], hospital: SeededHospital
) -> None:
    """Whom an administrator has disabled here is not let in, whatever the provider says."""
    person = page(_provider(idp))
    person.get(_go(idp, person, "wu"))
    with transaction(hospital.engine) as session:
        disable_account(session, "dr.wu", datetime.now(UTC))
    assert person.get("/").status_code == 303
    assert person.get(_go(idp, person, "wu")).status_code == 403


def test_a_name_of_an_account_of_ours_is_not_taken_over(
    idp: RunningProvider, page: Callable[[IdentityProvider], Person], hospital: SeededHospital
) -> None:
    """Who is called like somebody else here does not become that person."""
    add_reader(hospital.engine, "chief", Role.ADMINISTRATOR)
    person = page(_provider(idp))
    assert person.get(_go(idp, person, "chief")).status_code == 403
    assert person.session is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"state": "x"}, "another attempt"),
        ({"state": None}, "another attempt"),
        ({"state": "é"}, "another attempt"),
        ({"iss": "https://evil.example"}, "another provider's"),
        ({"iss": None}, "does not name its provider"),
        ({"code": None}, "has not let the person in"),
        ({"error": "access_denied"}, "has not let the person in"),
        ({"code": "x"}, "refuses"),
    ],
)
def test_an_answer_that_was_changed_on_the_way(
    idp: RunningProvider,
    page: Callable[[IdentityProvider], Person],
    hospital: SeededHospital,
    change: dict[str, str | None],
    said: str,
) -> None:
    """State, issuer, code and error are checked before anybody is let in."""
    person = page(_provider(idp))
    answer = person.get(_changed(_go(idp, person, "wu"), **change))
    assert answer.status_code == 403
    assert person.session is None
    with reading(hospital.engine) as session:
        assert said in session.query(AuditEvent).one().facts["reason"]


def test_an_answer_in_another_browser(
    idp: RunningProvider, page: Callable[[IdentityProvider], Person]
) -> None:
    """Nobody can sign another person in under their own account by giving them the way back."""
    attacker = page(_provider(idp))
    victim = Person(attacker.app, origin=ORIGIN)
    address = _go(idp, attacker, "cook")
    assert victim.get(address).status_code == 403
    victim.get("/sign-in/provider")
    assert victim.get(address).status_code == 403
    assert victim.session is None


def test_an_answer_is_good_for_one_time(
    idp: RunningProvider, page: Callable[[IdentityProvider], Person]
) -> None:
    """The same way back does not lead in twice, even with the cookie of the first time."""
    person = page(_provider(idp))
    address = _go(idp, person, "wu")
    cookies = dict(person.cookies)
    assert person.get(address).status_code == 303
    person.cookies = cookies
    assert person.get(address).status_code == 403


@pytest.mark.parametrize(
    "overrides",
    [
        {"iss": "https://evil.example"},
        {"aud": "somebody-else"},
        {"aud": [CLIENT_ID, "somebody-else"], "azp": "somebody-else"},
        {"exp": int(time.time()) - 3600},
        {"iat": int(time.time()) + 3600},
        {"nonce": "another"},
        {"sub": ""},
        {"sub": "x" * 300},
    ],
)
def test_an_id_token_that_is_not_for_us(
    idp: RunningProvider,
    page: Callable[[IdentityProvider], Person],
    overrides: dict[str, Any],
) -> None:
    """Issuer, audience, times and nonce of the ID token are checked."""
    idp.overrides = overrides
    person = page(_provider(idp))
    assert person.get(_go(idp, person, "wu")).status_code in (403, 404)
    assert person.session is None


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_an_id_token_that_the_provider_has_not_signed(
    idp: RunningProvider, page: Callable[[IdentityProvider], Person], algorithm: str
) -> None:
    """Unsigned tokens, and ones signed with what is no secret of the provider, are refused."""
    idp.provider.configuration_information["id_token_signing_alg_values_supported"] = [
        "RS256",
        "HS256",
        "none",
    ]
    idp.algorithm = algorithm
    person = page(_provider(idp))
    assert person.get(_go(idp, person, "wu")).status_code == 403
    assert person.session is None


def test_a_provider_that_changes_its_keys(
    idp: RunningProvider, page: Callable[[IdentityProvider], Person]
) -> None:
    """A new key is found without a restart."""
    person = page(_provider(idp))
    person.get(_go(idp, person, "wu"))
    idp.change_keys()
    assert person.get(_go(idp, person, "wu")).status_code == 303


@pytest.mark.parametrize("secret", ["wrong", None])
def test_a_wrong_client_secret(
    idp: RunningProvider, page: Callable[[IdentityProvider], Person], secret: str | None
) -> None:
    """What the provider refuses is a refusal with a page, not a trace."""
    person = page(_provider(idp, secret=secret))
    assert person.get(_go(idp, person, "wu")).status_code == 403


def test_a_provider_under_another_name(
    idp: RunningProvider, page: Callable[[IdentityProvider], Person]
) -> None:
    """An issuer that differs by a character from the settings is not believed."""
    person = page(_provider(idp, issuer=idp.issuer + "/"))
    assert person.get("/sign-in/provider").status_code == 403


def test_a_provider_that_does_not_answer(
    idp: RunningProvider, page: Callable[[IdentityProvider], Person], hospital: SeededHospital
) -> None:
    """Who has a password here can still sign in; the others are told what to do."""
    add_reader(hospital.engine, "reader", Role.READER)
    person = page(_provider(idp, issuer=f"http://127.0.0.1:{free_port()}"))
    answer = person.get("/sign-in/provider")
    assert answer.status_code == 503
    assert "The identity provider does not answer" in answer.text
    assert person.sign_in().status_code == 303
