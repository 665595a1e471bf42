"""An OpenID Connect provider with some people, and the way there and back."""

from __future__ import annotations

import ssl
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx

from settings.page.sign_in import IdentityProvider
from tests.peers.page.identity_provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    RunningProvider,
)
from tests.unit.worklist.access.person import Person

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


def provider_settings(idp: RunningProvider, **change: Any) -> IdentityProvider:
    """The settings of a provider that gives roles by groups, with something changed."""
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


def go_to_provider(idp: RunningProvider, person: Person, who: str, wanted: str = "/") -> str:
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


def changed_address(address: str, **change: str | None) -> str:
    """An address whose query has something changed, or left out where that is None."""
    path, query = address.split("?")
    given = {**dict(parse_qsl(query)), **change}
    return f"{path}?{urlencode({name: value for name, value in given.items() if value})}"
