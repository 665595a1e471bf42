"""docker-compose.yml: valid by the Compose Specification, true to the settings, and it starts."""

from __future__ import annotations

import importlib.resources
import json
import re
import signal
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hl7
import httpx
import jsonschema
import pytest
import redis
import yaml
from hl7.client import MLLPClient

from settings.environment import PREFIX, SETTINGS_FILE_VARIABLE, Settings
from settings.served_process import ServedProcess
from tests.builders.hl7_messages import order
from tests.peers.dicom.dcmtk import Dcmtk
from tests.peers.dicom.orthanc import OrthancPeer
from tests.peers.firstreads.hospital import (
    COMPOSE_FILE,
    ComposeService,
    native_command,
    read_services,
    running_hospital,
)
from tests.peers.ports import answers, free_port
from tests.peers.process import ServerProcess
from tests.peers.programs import REPOSITORY, require_program
from tests.peers.waiting import wait_until
from tests.unit.hl7_node.running_listener import code

_HOSPITAL_DOCS = REPOSITORY / "docs" / "hospital"
_OURS = {
    "migrate",
    "dicom-node",
    "hl7-node",
    "worker-analysis",
    "worker-flags",
    "worker-delivery",
    "worker-housekeeping",
    "worker-retrieval",
    "beat",
    "worklist",
}
_PASSWORDS = {
    "POSTGRES_PASSWORD": "p0",
    "REDIS_PASSWORD": "r0",
}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """Give the file as YAML reads it, with anchors and merges resolved."""
    parsed: dict[str, Any] = yaml.safe_load(COMPOSE_FILE.read_text())
    return parsed


@pytest.fixture(scope="module")
def services() -> dict[str, ComposeService]:
    """Give the services with every variable filled in."""
    return read_services(_PASSWORDS)


def test_the_file_is_valid_by_the_compose_schema(compose: dict[str, Any]) -> None:
    """The JSON schema of the Compose Specification finds nothing wrong."""
    schema = json.loads(
        importlib.resources.files("check_jsonschema")
        .joinpath("builtin_schemas", "vendor", "compose-spec.json")
        .read_text()
    )
    jsonschema.validate(compose, schema)


def test_the_schema_would_find_a_mistake(compose: dict[str, Any]) -> None:
    """The check above can fail: a misspelt key is refused."""
    schema = json.loads(
        importlib.resources.files("check_jsonschema")
        .joinpath("builtin_schemas", "vendor", "compose-spec.json")
        .read_text()
    )
    wrong = {**compose, "services": {"beat": {"image": "firstread", "comand": ["firstread"]}}}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, schema)


def test_each_part_is_a_service(services: dict[str, ComposeService]) -> None:
    """Every process of Firstread is there, beside its database, its broker and a stand-in PACS."""
    assert set(services) == _OURS | {"postgres", "redis", "orthanc"}


def test_each_part_of_serve_has_its_service(services: dict[str, ComposeService]) -> None:
    """What one machine runs under `firstread serve` is not missing at hospital size."""
    named = {
        service.command[service.command.index("--only") + 1]
        for service in services.values()
        if "--only" in service.command
    }
    assert named | {"worklist"} == {part.value for part in ServedProcess}


def test_only_what_needs_more_settings_has_a_profile(compose: dict[str, Any]) -> None:
    """`docker compose up` starts all that runs with the example settings, and nothing else."""
    profiles = {
        name: service["profiles"]
        for name, service in compose["services"].items()
        if "profiles" in service
    }
    assert profiles == {"hl7-node": ["hl7"], "orthanc": ["stand-in-pacs"]}


def test_the_hl7_listener_listens_where_its_port_is_published(
    compose: dict[str, Any], services: dict[str, ComposeService]
) -> None:
    """The port of the example settings is the one that is published and looked at."""
    example = (_HOSPITAL_DOCS / "example.toml").read_text()
    uncommented = re.sub(r"(?s)\A.*\n# (?=\[hl7_listener\])", "", example).replace("\n# ", "\n")
    listener = Settings.model_validate(tomllib.loads(uncommented)).hl7_listener
    assert listener is not None
    (published,) = compose["services"]["hl7-node"]["ports"]
    assert published.endswith(f"}}:{listener.port}")
    assert f"{{{listener.port}:04X}}" in services["hl7-node"].health_command[-1]


def test_every_variable_is_a_setting(services: dict[str, ComposeService]) -> None:
    """A variable with our prefix that is no setting would silently do nothing."""
    known = {PREFIX + name.upper() for name in Settings.model_fields} | {SETTINGS_FILE_VARIABLE}
    named = {
        name
        for service in services.values()
        for name in service.environment
        if name.startswith(PREFIX)
    }
    assert named
    assert named <= known


@pytest.mark.parametrize("name", sorted(_OURS))
def test_our_containers_have_no_more_rights_than_they_need(
    compose: dict[str, Any], name: str
) -> None:
    """No root, no capability, no writable image, and an end to every dead process."""
    service = compose["services"][name]
    assert service["user"] == "10001:10001"
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["restart"] == ("no" if name == "migrate" else "unless-stopped")


def test_every_dependency_exists_and_can_become_healthy(compose: dict[str, Any]) -> None:
    """A service that waits for another's health would wait for ever without a check."""
    for service in compose["services"].values():
        for name, dependency in service.get("depends_on", {}).items():
            assert name in compose["services"]
            if dependency["condition"] == "service_healthy":
                assert "healthcheck" in compose["services"][name]


def test_no_secret_has_a_default() -> None:
    """Each password must be set in .env; the file refuses to start otherwise.

    That of the stand-in PACS is asked for by the stand-in PACS.
    """
    used = re.findall(r"(?<!\$)\$\{([A-Z_]*PASSWORD[A-Z_]*)([^}]*)\}", COMPOSE_FILE.read_text())
    asked = {(name, rest.partition("set")[0]) for name, rest in used}
    assert asked == {(name, ":?") for name in _PASSWORDS} | {("ORTHANC_PASSWORD", ":-")}


def test_nothing_is_asked_for_that_is_not_started(services: dict[str, ComposeService]) -> None:
    """Without a profile two passwords are enough; the others may be missing from .env."""
    assert services["dicom-node"].environment["FIRSTREAD_BROKER_URL"] == "redis://:r0@redis:6379/0"
    assert services["orthanc"].environment["ORTHANC_PASSWORD"] == ""


def test_no_log_grows_without_end(compose: dict[str, Any]) -> None:
    """Docker keeps what a container says without a limit unless it is told one."""
    for name, service in compose["services"].items():
        options = service["logging"]["options"]
        assert service["logging"]["driver"] == "local", name
        assert set(options) == {"max-size", "max-file"}, name


def test_secrets_of_channels_come_as_files(compose: dict[str, Any]) -> None:
    """The example names a secret in the folder that every part of ours can read."""
    example = (_HOSPITAL_DOCS / "example.toml").read_text()
    (named,) = re.findall(r'# secret_file = "(.+)/[\w-]+"', example)
    for name in _OURS:
        assert f"./secrets:{named}:ro" in compose["services"][name]["volumes"], name
    uncommented = re.sub(r"(?s)\A.*\n# (?=\[\[flags\]\])", "", example)
    flags = uncommented.partition("\n\n")[0].replace("\n# ", "\n")
    (channel,) = Settings.model_validate(tomllib.loads(flags)).flags
    assert channel.name == "pager"


@pytest.mark.parametrize("password", ["", "o0"])
def test_the_stand_in_pacs_asks_for_its_password(
    compose: dict[str, Any], tmp_path: Path, password: str
) -> None:
    """Without one it does not start, and says what to do; with one it lets nobody else in."""
    require_program("Orthanc", package="orthanc")
    service = compose["services"]["orthanc"]
    content = compose["configs"]["orthanc"]["content"].replace("$$", "$")
    http_port = free_port()
    settings = json.loads(content) | {
        "StorageDirectory": str(tmp_path / "db"),
        "IndexDirectory": str(tmp_path / "db"),
        "Plugins": [],
        "HttpPort": http_port,
        "DicomPort": free_port(),
    }
    (tmp_path / "orthanc.json").write_text(json.dumps(settings))
    command = [part.replace("$$", "$") for part in service["entrypoint"]]
    process = ServerProcess(
        "orthanc",
        [*command, tmp_path / "orthanc.json"],
        folder=tmp_path,
        environment={"ORTHANC_PASSWORD": password},
    )
    if not password:
        assert process.process.wait(timeout=20) == 1
        assert "ORTHANC_PASSWORD is empty: set it in .env" in process.log()
        return
    with process:
        process.wait_until_ready(lambda: answers(http_port))
        address = f"http://127.0.0.1:{http_port}/system"
        for user, status in (("", 401), ("wrong", 401), (password, 200)):
            auth = ("firstread", user)
            assert httpx.get(address, auth=auth, trust_env=False).status_code == status


def test_a_missing_secret_is_refused() -> None:
    """The reader of the file that our tests use keeps the same rule."""
    with pytest.raises(LookupError, match="REDIS_PASSWORD"):
        read_services({"POSTGRES_PASSWORD": "p0"})


def test_the_example_environment_names_every_variable() -> None:
    """A person who copies the example finds each variable in it, and no password filled in."""
    used = set(re.findall(r"\$\{([A-Z][A-Z0-9_]*)", COMPOSE_FILE.read_text()))
    lines = (_HOSPITAL_DOCS / "example.env").read_text().splitlines()
    named = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    assert set(named) == used
    assert not any(value for name, value in named.items() if "PASSWORD" in name)


def test_the_example_settings_are_settings() -> None:
    """The TOML file that a hospital starts from is accepted as it stands."""
    example = tomllib.loads((_HOSPITAL_DOCS / "example.toml").read_text())
    settings = Settings.model_validate(example)
    assert settings.destinations
    assert settings.sources


def test_pages_without_sign_in_are_published_on_this_machine_only(compose: dict[str, Any]) -> None:
    """The worklist page and the stand-in PACS are not shown to the network."""
    for name in ("worklist", "orthanc"):
        assert all(
            str(port).startswith("127.0.0.1:") for port in compose["services"][name]["ports"]
        )
    assert "ports" not in compose["services"]["postgres"]
    assert "ports" not in compose["services"]["redis"]


def test_each_command_of_ours_names_a_program_that_is_installed(
    services: dict[str, ComposeService],
) -> None:
    """The commands are those of this virtual environment, and firstread knows the parts."""
    for name in _OURS:
        assert native_command(services[name].command)


@pytest.mark.integration
@pytest.mark.timeout(180)
def test_the_very_commands_start_natively(
    services: dict[str, ComposeService],
    tmp_path: Path,
    postgres_url: str,
    redis_url: str,
    orthanc: OrthancPeer,
    dcmtk: Dcmtk,
) -> None:
    """Every part starts, stays up, answers where it should, and ends when it is told to."""
    hl7_port = free_port()
    is_well = health_of_hl7(services, hl7_port)
    assert not is_well()
    with running_hospital(
        tmp_path / "hospital",
        database_url=postgres_url,
        broker_url=redis_url,
        pacs=orthanc,
        hl7_port=hl7_port,
    ) as hospital:
        dcmtk.echoscu(port=hospital.dicom_port, called_ae_title=hospital.ae_title).check()
        page = httpx.get(f"{hospital.worklist_url}/health/page", trust_env=False)
        assert page.status_code == 200, page.text

        def problems() -> list[str]:
            answer = httpx.get(f"{hospital.worklist_url}/health", trust_env=False)
            return [one["name"] for one in answer.json()["problems"] if one["name"] != "disk_full"]

        wait_until(lambda: problems() == [], what="a sign of every part", limit_s=120)
        with MLLPClient("127.0.0.1", hl7_port) as client:
            answer = client.send_message(order()).strip(b"\x0b\x1c\r")
        assert code(hl7.parse(answer, encoding="utf-8")) == "AA"
        assert is_well()
        started = {
            name: process for name, process in hospital.processes.items() if name != "migrate"
        }
        assert set(started) == _OURS - {"migrate"}
        wait_until(
            lambda: redis_has_clients(redis_url, at_least=4),
            what="three workers and beat to be connected to Redis",
            limit_s=60,
        )
        assert all(process.running for process in started.values()), hospital.logs()
        ended = hospital.stop()  # the page ends by the very signal, as uvicorn does
        assert set(ended.values()) <= {0, -signal.SIGTERM}, (ended, hospital.logs())


def health_of_hl7(services: dict[str, ComposeService], port: int) -> Callable[[], bool]:
    """The health check of the HL7 listener as the file has it, but for the port."""
    command = native_command(services["hl7-node"].health_command)
    command[-1] = command[-1].replace("2576", str(port))
    return lambda: subprocess.run(command, check=False).returncode == 0


def redis_has_clients(url: str, *, at_least: int) -> bool:
    """Tell whether so many other programs are connected."""
    with redis.Redis.from_url(url) as client:
        others = {entry["addr"].rsplit(":", 1)[1]: entry for entry in client.client_list()}
        mine = client.client_id()
    return len([entry for entry in others.values() if entry["id"] != str(mine)]) >= at_least
