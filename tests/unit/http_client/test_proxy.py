"""Which proxy an address is reached by."""

from __future__ import annotations

import pytest

from http_client.proxy import proxy_for

_PROXY = "http://proxy.hospital.example:3128"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give an environment that names a proxy for https alone, and what is not asked by it."""
    for name in ("http_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("https_proxy", _PROXY)
    monkeypatch.setenv("no_proxy", "hospital.example,127.0.0.1,::1,login.example:8443")


@pytest.mark.parametrize(
    ("address", "proxy"),
    [
        ("https://login.example/", _PROXY),
        ("https://login.example:8443/", None),
        ("http://login.example/", None),
        ("https://hospital.example/", None),
        ("https://idp.hospital.example/", None),
        ("https://idp.hospital.example.org/", _PROXY),
        ("https://127.0.0.1:8080/", None),
        ("https://[::1]:8080/", None),
        ("", None),
    ],
)
def test_the_environment_names_it(address: str, proxy: str | None) -> None:
    """By scheme, except for the names of no_proxy and what is below them."""
    assert proxy_for(address) == proxy


def test_an_address_without_a_scheme_is_one_of_http(monkeypatch: pytest.MonkeyPatch) -> None:
    """As curl and others read it."""
    monkeypatch.setenv("all_proxy", "proxy.hospital.example:3128")
    assert proxy_for("http://login.example/") == _PROXY


def test_no_proxy_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """A star is every address."""
    monkeypatch.setenv("no_proxy", "*")
    assert proxy_for("https://login.example/") is None
