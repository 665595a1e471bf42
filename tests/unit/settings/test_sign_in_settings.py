"""Settings of sign-in and of the page on a network: what is refused, and that all are described."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from radiology.errors import SettingsRefused
from settings.environment import read_settings
from settings.page.sign_in import IdentityProvider, SignIn
from settings.page.worklist_network import WorklistNetwork
from tests.peers.programs import REPOSITORY

_PROVIDER = {
    "issuer": "https://login.hospital/realms/clinic",
    "client_id": "firstread",
    "roles": {"radiology": "reader"},
}


@pytest.mark.parametrize(
    ("prefix", "model"),
    [
        ("worklist_network", WorklistNetwork),
        ("sign_in", SignIn),
        ("sign_in.provider", IdentityProvider),
    ],
)
def test_every_entry_is_documented(prefix: str, model: type[BaseModel]) -> None:
    """docs/settings.md names each entry of the nested settings, and none that is not there."""
    page = (REPOSITORY / "docs" / "settings.md").read_text()
    rows = "".join(line.split("|")[1] for line in page.splitlines() if line.startswith("| `"))
    named = set(re.findall(rf"`{re.escape(prefix)}\.([a-z_]+)`", rows))
    assert named == set(model.model_fields) - {"provider"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"issuer": "http://login.hospital"}, "only asked over https"),
        ({"issuer": "login.hospital"}, "no address of a web server"),
        ({"secret": "word", "secret_file": "file"}, "given twice"),
        ({"scopes": ["profile"]}, "lacks"),
        ({"roles": {}}, "roles"),
        ({"roles": {"radiology": "owner"}}, "roles"),
    ],
)
def test_a_provider_that_cannot_work_is_refused(change: dict[str, object], said: str) -> None:
    """What is wrong with an identity provider is said at start, without its secret."""
    with pytest.raises(SettingsRefused, match=said) as refused:
        read_settings(sign_in={"provider": _PROVIDER | change})
    assert "word" not in str(refused.value).replace("password", "")


def test_the_issuer_is_kept_as_it_was_written() -> None:
    """An issuer is compared character for character, so nothing may be added to it."""
    settings = read_settings(sign_in={"provider": _PROVIDER | {"issuer": "https://login.hospital"}})
    assert settings.sign_in.provider is not None
    assert settings.sign_in.provider.issuer == "https://login.hospital"


def test_a_client_secret_from_a_file(tmp_path: Path) -> None:
    """The secret is read from its file; a file that is not there is named as a problem."""
    file = tmp_path / "secret"
    provider = IdentityProvider.model_validate(_PROVIDER | {"secret_file": file})
    with pytest.raises(SettingsRefused, match="cannot be read"):
        provider.client_secret()
    file.write_text("word\n")
    assert provider.client_secret() == "word"


@pytest.mark.parametrize(
    ("network", "said"),
    [
        ({"certificate": "a.pem"}, "belong together"),
        ({"behind_proxy": ["10.0.0.1"]}, "needs names"),
        ({"names": ["w"], "behind_proxy": ["proxy.hospital"]}, "behind_proxy"),
    ],
)
def test_a_network_that_cannot_work_is_refused(network: dict[str, object], said: str) -> None:
    """Half a certificate, a proxy without names, or a name instead of an address is refused."""
    with pytest.raises(SettingsRefused, match=said):
        read_settings(worklist_network=network)
