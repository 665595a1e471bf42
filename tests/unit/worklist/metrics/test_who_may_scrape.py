"""Who may read the metrics: this machine, or whoever has the token; never a page of elsewhere."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr, ValidationError

from radiology.errors import SettingsRefused
from settings.environment import Settings
from settings.monitoring import Monitoring
from settings.page.worklist_network import WorklistNetwork
from tests.unit.worklist.seeding import SeededHospital
from worklist.app import create_app

TOKEN = "0123456789abcdef0123456789abcdef"


_UNREADABLE_HOSTS = (
    *("", " ", "evil.example:x", "evil.example:99999", "[::1", "a b", "evil.example/127.0.0.1"),
    *(
        "127.0.0.1@evil.example",
        "evil.example#",
        "evil.example\\",
        "\xe9vil.example",
        "127.0.0.1:1:2",
    ),
)


def answered(
    settings: Settings,
    hospital: SeededHospital,
    *,
    caller: str = "127.0.0.1",
    host: str = "127.0.0.1:8470",
    **headers: str | bytes,
) -> httpx.Response:
    """What the page answers to a scraper at an address that calls it by a name."""
    app = create_app(settings, hospital.engine, sign_in_always=True)

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app, client=(caller, 40000))
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}") as client:
            sent = [(name.encode(), _bytes(value)) for name, value in headers.items()]
            return await client.get("/metrics", headers=sent)

    return asyncio.run(send())


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode()


@pytest.fixture
def with_token(worklist_settings: Settings, tmp_path: Path) -> Settings:
    """Settings with a token in a file."""
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    monitoring = Monitoring(metrics_token_file=file)
    return worklist_settings.model_copy(update={"monitoring": monitoring})


def test_this_machine_may_without_signing_in(
    worklist_settings: Settings, hospital: SeededHospital
) -> None:
    """A scraper cannot sign in, and needs not."""
    answer = answered(worklist_settings, hospital)
    assert answer.status_code == 200
    assert "firstread_database_up 1.0" in answer.text
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("caller", "host", "headers"),
    [
        ("10.0.0.7", "127.0.0.1:8470", {}),  # a port that a container engine publishes
        ("127.0.0.1", "evil.example", {}),  # a name that was made to point here
        ("127.0.0.1", "127.0.0.1", {"X-Forwarded-For": "10.0.0.7"}),  # a proxy on this machine
        ("127.0.0.1", "127.0.0.1", {"Forwarded": "for=10.0.0.7"}),
        ("127.0.0.1", "127.0.0.1", {"Via": "1.1 proxy"}),
        *(("127.0.0.1", "127.0.0.1", {"Host": host}) for host in _UNREADABLE_HOSTS),
    ],
)
def test_nobody_else_may_without_a_token(
    worklist_settings: Settings,
    hospital: SeededHospital,
    caller: str,
    host: str,
    headers: dict[str, str],
) -> None:
    """Not from elsewhere, not by another name or by none that can be read, not through a proxy;
    the answer says what to set."""
    answer = answered(worklist_settings, hospital, caller=caller, host=host, **headers)
    assert answer.status_code == 403
    assert "firstread_" not in answer.text
    assert "monitoring.metrics_token_file" in answer.text


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        TOKEN,
        f"Basic {TOKEN}",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN}x",
        "Bearer",
        "Bearer \xe9",
    ],
)
def test_a_wrong_token_is_refused(
    with_token: Settings, hospital: SeededHospital, authorization: str
) -> None:
    """Even on this machine, once there is a token."""
    given = {"Authorization": authorization.encode("latin-1")} if authorization else {}
    answer = answered(with_token, hospital, **given)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "firstread_" not in answer.text


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_the_token_opens_from_everywhere(
    with_token: Settings, hospital: SeededHospital, scheme: str
) -> None:
    """From another machine, by the name of the container, and beside a proxy that speaks TLS."""
    network = WorklistNetwork(names=("read.example",), behind_proxy=("10.0.0.0/24",))  # type: ignore[arg-type]
    settings = with_token.model_copy(update={"worklist_network": network})
    given = {"Authorization": f"{scheme} {TOKEN}"}
    answer = answered(settings, hospital, caller="10.1.0.7", host="worklist:8470", **given)
    assert answer.status_code == 200
    assert "firstread_database_up 1.0" in answer.text


def test_other_pages_stay_closed_to_other_names(
    with_token: Settings, hospital: SeededHospital
) -> None:
    """Only this address is exempt from the check of the name."""
    app = create_app(with_token, hospital.engine)

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://worklist:8470"
        ) as client:
            return await client.get("/", headers={"Authorization": f"Bearer {TOKEN}"})

    assert asyncio.run(send()).status_code == 400


def test_a_token_is_long_and_given_once(tmp_path: Path) -> None:
    """Short tokens, two tokens, and files that cannot be read are refused, with what to do."""
    with pytest.raises(ValidationError, match="at least 20"):
        Monitoring(metrics_token=SecretStr("short"))
    with pytest.raises(ValidationError, match="given twice"):
        Monitoring(metrics_token=SecretStr(TOKEN), metrics_token_file=tmp_path / "token")
    with pytest.raises(SettingsRefused, match="cannot be read"):
        Monitoring(metrics_token_file=tmp_path / "token").token()
    (tmp_path / "token").write_text("short")
    with pytest.raises(SettingsRefused, match="openssl rand"):
        Monitoring(metrics_token_file=tmp_path / "token").token()


def test_secrets_for_the_collector_go_over_https_only() -> None:
    """As with every other secret; on this machine they may go in clear."""
    headers = {"Authorization": SecretStr("secret")}
    with pytest.raises(ValidationError, match="over https"):
        Monitoring(traces_url="http://otel.example/v1/traces", traces_headers=headers)  # type: ignore[arg-type]
    with pytest.raises(ValidationError, match="need traces_url"):
        Monitoring(traces_headers=headers)
    Monitoring(traces_url="http://127.0.0.1:4318/v1/traces", traces_headers=headers)  # type: ignore[arg-type]
