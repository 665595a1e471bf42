"""What an OpenID Connect provider may not do: answers changed, stolen or signed by others."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from database.session import query
from database.tables.readers.account import AuditEvent
from radiology.errors import IdentityProviderUnavailable
from settings.page.sign_in import IdentityProvider, Role
from tests.builders.stored.readers import add_reader
from tests.peers.hostile_service import HOSTILE_ANSWERS, hostile_service, trickling_headers
from tests.peers.page.identity_provider import (
    CLIENT_ID,
    RunningProvider,
)
from tests.peers.ports import free_port
from tests.unit.worklist.access.person import Person
from tests.unit.worklist.access.provider_sign_in import (
    ORIGIN,
    changed_address,
    go_to_provider,
    provider_settings,
)
from tests.unit.worklist.seeding import SeededHospital
from worklist.access.identity_provider import Errand, ProviderClient


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
    provider_page: Callable[[IdentityProvider], Person],
    hospital: SeededHospital,
    change: dict[str, str | None],
    said: str,
) -> None:
    """State, issuer, code and error are checked before anybody is let in."""
    person = provider_page(provider_settings(idp))
    answer = person.get(changed_address(go_to_provider(idp, person, "wu"), **change))
    assert answer.status_code == 403
    assert person.session is None
    with query(hospital.engine) as session:
        assert said in session.query(AuditEvent).one().facts["reason"]


def test_an_answer_in_another_browser(
    idp: RunningProvider, provider_page: Callable[[IdentityProvider], Person]
) -> None:
    """Nobody can sign another person in under their own account by giving them the way back."""
    attacker = provider_page(provider_settings(idp))
    victim = Person(attacker.app, origin=ORIGIN)
    address = go_to_provider(idp, attacker, "cook")
    assert victim.get(address).status_code == 403
    victim.get("/sign-in/provider")
    assert victim.get(address).status_code == 403
    assert victim.session is None


def test_an_answer_is_good_for_one_time(
    idp: RunningProvider, provider_page: Callable[[IdentityProvider], Person]
) -> None:
    """The same way back does not lead in twice, even with the cookie of the first time."""
    person = provider_page(provider_settings(idp))
    address = go_to_provider(idp, person, "wu")
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
    provider_page: Callable[[IdentityProvider], Person],
    overrides: dict[str, Any],
) -> None:
    """Issuer, audience, times and nonce of the ID token are checked."""
    idp.overrides = overrides
    person = provider_page(provider_settings(idp))
    assert person.get(go_to_provider(idp, person, "wu")).status_code in (403, 404)
    assert person.session is None


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_an_id_token_that_the_provider_has_not_signed(
    idp: RunningProvider, provider_page: Callable[[IdentityProvider], Person], algorithm: str
) -> None:
    """Unsigned tokens, and ones signed with what is no secret of the provider, are refused."""
    idp.provider.configuration_information["id_token_signing_alg_values_supported"] = [
        "RS256",
        "HS256",
        "none",
    ]
    idp.algorithm = algorithm
    person = provider_page(provider_settings(idp))
    assert person.get(go_to_provider(idp, person, "wu")).status_code == 403
    assert person.session is None


def test_a_provider_that_changes_its_keys(
    idp: RunningProvider, provider_page: Callable[[IdentityProvider], Person]
) -> None:
    """A new key is found without a restart."""
    person = provider_page(provider_settings(idp))
    person.get(go_to_provider(idp, person, "wu"))
    idp.change_keys()
    assert person.get(go_to_provider(idp, person, "wu")).status_code == 303


@pytest.mark.parametrize("secret", ["wrong", None])
def test_a_wrong_client_secret(
    idp: RunningProvider, provider_page: Callable[[IdentityProvider], Person], secret: str | None
) -> None:
    """What the provider refuses is a refusal with a page, not a trace."""
    person = provider_page(provider_settings(idp, secret=secret))
    assert person.get(go_to_provider(idp, person, "wu")).status_code == 403


def test_a_provider_under_another_name(
    idp: RunningProvider, provider_page: Callable[[IdentityProvider], Person]
) -> None:
    """An issuer that differs by a character from the settings is not believed."""
    person = provider_page(provider_settings(idp, issuer=idp.issuer + "/"))
    assert person.get("/sign-in/provider").status_code == 403


def test_a_provider_that_does_not_answer(
    idp: RunningProvider,
    provider_page: Callable[[IdentityProvider], Person],
    hospital: SeededHospital,
) -> None:
    """Who has a password here can still sign in; the others are told what to do."""
    add_reader(hospital.engine, "reader", Role.READER)
    person = provider_page(provider_settings(idp, issuer=f"http://127.0.0.1:{free_port()}"))
    answer = person.get("/sign-in/provider")
    assert answer.status_code == 503
    assert "The identity provider does not answer" in answer.text
    assert person.sign_in().status_code == 303


@pytest.mark.parametrize("answer", HOSTILE_ANSWERS)
def test_an_answer_without_end_holds_nobody_up(
    idp: RunningProvider, answer: Callable[[], Iterable[bytes]]
) -> None:
    """All who sign in wait for the same answer, so it has limits."""
    began = time.monotonic()
    with hostile_service(answer) as (address, sent):
        provider = provider_settings(idp, issuer=address, answer_s=0.5)
        with pytest.raises(IdentityProviderUnavailable):
            ProviderClient(provider).authorization_address(Errand.of("secret"), f"{ORIGIN}/back")
    assert time.monotonic() - began < 10
    assert sent[0] < 20_000_000


def test_a_provider_behind_a_proxy_has_the_same_limits(
    idp: RunningProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A provider outside the hospital is asked by the proxy that the environment names."""
    monkeypatch.delenv("no_proxy", raising=False)
    began = time.monotonic()
    with hostile_service(trickling_headers) as (address, sent):
        monkeypatch.setenv("https_proxy", address)
        provider = provider_settings(idp, issuer="https://login.example", answer_s=0.5)
        with pytest.raises(IdentityProviderUnavailable):
            ProviderClient(provider).authorization_address(Errand.of("secret"), f"{ORIGIN}/back")
    assert time.monotonic() - began < 10
    assert sent[0] > 0
