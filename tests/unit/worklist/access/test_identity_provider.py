"""Signing in by an OpenID Connect provider: who is let in, under which name and role."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from database.accounts.kept import disable_account, list_accounts
from database.session import query, transaction
from database.tables.readers.account import AuditEvent
from settings.environment import Settings
from settings.page.sign_in import IdentityProvider, Role
from tests.builders.stored.readers import add_reader
from tests.peers.page.identity_provider import (
    RunningProvider,
)
from tests.unit.worklist.access.person import Person
from tests.unit.worklist.access.provider_sign_in import (
    go_to_provider,
    provider_settings,
)
from tests.unit.worklist.seeding import SeededHospital
from worklist.app import create_app


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
    provider_page: Callable[[IdentityProvider], Person],
    hospital: SeededHospital,
    who: str,
    name: str,
    role: Role,
    in_token: bool,
) -> None:
    """Name and role come from the provider's claims, in the ID token or only in the userinfo."""
    idp.claims_in_token = in_token
    person = provider_page(provider_settings(idp))
    answer = person.get(go_to_provider(idp, person, who, "/account"))
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"] == "/account"
    assert name in person.get("/account").text
    assert person.get("/administration").status_code == (200 if role is Role.ADMINISTRATOR else 403)
    with query(hospital.engine) as session:
        (row,) = list_accounts(session)
    assert (row.name, row.role, row.local) == (name, role, False)
    assert "firstread-errand" not in person.cookies


def test_what_is_asked_for(
    idp: RunningProvider, provider_page: Callable[[IdentityProvider], Person]
) -> None:
    """Code flow with PKCE (S256), state and nonce; the verifier goes to the token endpoint only."""
    person = provider_page(provider_settings(idp))
    asked = parse_qs(urlsplit(person.get("/sign-in/provider").headers["location"]).query)
    assert asked["response_type"] == ["code"]
    assert asked["code_challenge_method"] == ["S256"]
    assert len(asked["state"][0]) == len(asked["nonce"][0]) == 43
    person.get(go_to_provider(idp, person, "wu"))
    (request,) = idp.token_requests
    assert len(request["code_verifier"]) == 43
    assert "client_secret" not in request  # it went by basic authentication


def test_each_attempt_has_its_own_secrets(
    idp: RunningProvider, provider_page: Callable[[IdentityProvider], Person]
) -> None:
    """State, nonce and challenge differ from attempt to attempt."""
    person = provider_page(provider_settings(idp))
    one, other = (
        parse_qs(urlsplit(person.get("/sign-in/provider").headers["location"]).query)
        for _ in range(2)
    )
    for name in ("state", "nonce", "code_challenge"):
        assert one[name] != other[name]


def test_the_button_is_only_there_with_a_provider(
    idp: RunningProvider,
    provider_page: Callable[[IdentityProvider], Person],
    hospital: SeededHospital,
    worklist_settings: Settings,
) -> None:
    """Not configured: no button, and no such address."""
    assert 'id="provider"' in provider_page(provider_settings(idp)).get("/sign-in").text
    add_reader(hospital.engine, "reader")
    without = Person(create_app(worklist_settings, hospital.engine))
    assert 'id="provider"' not in without.get("/sign-in").text
    assert without.get("/sign-in/provider").status_code == 404


@pytest.mark.parametrize("who", ["cook", "nameless", "local"])
def test_who_has_no_role_or_no_name_is_not_let_in(
    idp: RunningProvider,
    provider_page: Callable[[IdentityProvider], Person],
    hospital: SeededHospital,
    who: str,
) -> None:
    """The page says what to do, and the attempt is recorded."""
    person = provider_page(provider_settings(idp))
    answer = person.get(go_to_provider(idp, person, who))
    assert answer.status_code == 403
    assert "your account may have no role here" in answer.text
    assert person.session is None
    with query(hospital.engine) as session:
        event = session.query(AuditEvent).one()
        assert (event.name, event.reader, event.succeeded) == ("sign_in_failed", "unknown", False)


def test_a_role_that_is_taken_away(
    idp: RunningProvider,
    provider_page: Callable[[IdentityProvider], Person],
    hospital: SeededHospital,
) -> None:
    """At the next sign-in the provider's groups count, not what was here before."""
    person = provider_page(provider_settings(idp))
    person.get(go_to_provider(idp, person, "chief"))
    idp.overrides = {"groups": ["radiology"]}
    person.get(go_to_provider(idp, person, "chief"))
    assert person.get("/administration").status_code == 403
    idp.overrides = {"groups": []}
    assert person.get(go_to_provider(idp, person, "chief")).status_code == 403


def test_a_disabled_account(
    idp: RunningProvider,
    provider_page: Callable[[IdentityProvider], Person],
    hospital: SeededHospital,
) -> None:
    """Whom an administrator has disabled here is not let in, whatever the provider says."""
    person = provider_page(provider_settings(idp))
    person.get(go_to_provider(idp, person, "wu"))
    with transaction(hospital.engine) as session:
        disable_account(session, "dr.wu", datetime.now(UTC))
    assert person.get("/").status_code == 303
    assert person.get(go_to_provider(idp, person, "wu")).status_code == 403


def test_a_name_of_an_account_of_ours_is_not_taken_over(
    idp: RunningProvider,
    provider_page: Callable[[IdentityProvider], Person],
    hospital: SeededHospital,
) -> None:
    """Who is called like somebody else here does not become that person."""
    add_reader(hospital.engine, "chief", Role.ADMINISTRATOR)
    person = provider_page(provider_settings(idp))
    assert person.get(go_to_provider(idp, person, "chief")).status_code == 403
    assert person.session is None
