"""The hospital size without containers: the commands of docker-compose.yml, started natively.

The commands and the environment are read from the file itself, so that what the tests start is
what a hospital starts; only hosts, ports and folders are replaced.
"""

from __future__ import annotations

import functools
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.peers.dicom.orthanc import OrthancPeer
from tests.peers.ports import answers, free_port
from tests.peers.process import ServerProcess
from tests.peers.programs import REPOSITORY

COMPOSE_FILE = REPOSITORY / "docker-compose.yml"
_MIGRATION = "migrate"
_HL7 = "hl7-node"  # of a profile of its own
_PARTS = (
    "dicom-node",
    "worker-analysis",
    "worker-flags",
    "worker-delivery",
    "worker-housekeeping",
    "worker-retrieval",
    "beat",
    "worklist",
)

# ${NAME}, ${NAME:-default} and ${NAME:?message} of the Compose Specification, and $$ for a dollar.
_VARIABLE = re.compile(r"\$(?:(\$)|\{([A-Za-z_]\w*)(?:(:-|:\?)([^}]*))?\})")


@dataclass(frozen=True)
class ComposeService:
    """What a service of the file starts, and what it is asked whether it is well."""

    name: str
    image: str
    command: tuple[str, ...]
    health_command: tuple[str, ...]
    environment: Mapping[str, str]


@dataclass
class Hospital:
    """Firstread at hospital size, running on this machine.

    Attributes
    ----------
    ae_title, dicom_port : where scanners reach the node
    worklist_url : the worklist page, without a closing slash
    data_folder : what all parts share
    environment : of every part, for starting more of them or ``firstread`` itself
    processes : by the name of the service; `restart` replaces one
    """

    ae_title: str
    dicom_port: int
    worklist_url: str
    data_folder: Path
    environment: Mapping[str, str]
    commands: Mapping[str, tuple[str, ...]]
    processes: dict[str, ServerProcess] = field(default_factory=dict)

    def start(self, name: str) -> ServerProcess:
        """Start a service; its log is ``<name>.log`` beside the data folder."""
        process = ServerProcess(
            name,
            native_command(self.commands[name]),
            folder=self.data_folder.parent,
            environment=self.environment,
        )
        self.processes[name] = process
        return process

    def restart(self, name: str) -> ServerProcess:
        """Start a service again after a test killed it, as Docker's restart policy would."""
        self.processes[name].kill()
        return self.start(name)

    def logs(self) -> str:
        """Give the last lines of every service, for the message of a failed test."""
        return "\n".join(
            f"--- {name}\n{process.log_tail()}" for name, process in self.processes.items()
        )

    def stop(self) -> dict[str, int]:
        """Ask every service to end, all at the same time; gives their exit codes."""
        for process in self.processes.values():
            process.ask_to_stop()
        return {name: process.stop() for name, process in self.processes.items()}

    def kill(self) -> None:
        """Kill every service at once, as a power cut would."""
        for process in self.processes.values():
            process.kill()


def read_services(variables: Mapping[str, str]) -> dict[str, ComposeService]:
    """Read docker-compose.yml with its variables filled in.

    Parameters
    ----------
    variables : as a person would write them into ``.env``

    Raises
    ------
    LookupError
        A variable that must be set (``${NAME:?…}``) is not.
    """
    parsed: dict[str, Any] = yaml.safe_load(COMPOSE_FILE.read_text())
    filled = _fill_in(parsed, variables)
    return {
        name: ComposeService(
            name=name,
            image=service["image"],
            command=tuple(service.get("command", ())),
            health_command=tuple(service.get("healthcheck", {}).get("test", ("CMD",)))[1:],
            environment={key: str(value) for key, value in service.get("environment", {}).items()},
        )
        for name, service in filled["services"].items()
    }


def native_command(command: tuple[str, ...]) -> list[str]:
    """Give the command with the program of this virtual environment in its first place."""
    program, *arguments = command
    beside_python = Path(sys.executable).parent / program
    found = beside_python if beside_python.exists() else shutil.which(program)
    if found is None:
        raise FileNotFoundError(f"{program}: run make setup")
    return [str(found), *arguments]


@contextmanager
def running_hospital(
    folder: Path,
    *,
    database_url: str,
    broker_url: str,
    pacs: OrthancPeer,
    settings_toml: str = "",
    variables: Mapping[str, str] | None = None,
    ae_title: str = "FIRSTREAD",
    parts: tuple[str, ...] = _PARTS,
    hl7_port: int | None = None,
    limit_s: float = 60.0,
) -> Iterator[Hospital]:
    """Run the migration, then start every part, wait until node and page answer, and kill them.

    Ending in good order takes a worker several seconds, and no test gains by it but the one that
    asks for it (`Hospital.stop`).

    Parameters
    ----------
    folder : an empty folder; data, settings and logs lie here
    database_url : an empty PostgreSQL database
    broker_url : a Redis
    pacs : gets the results, and is told of us
    settings_toml : put in front of the TOML settings file, for example ``'quiet_s = 1.0'``
    variables : more settings of the environment, without prefix; they go before the file
    ae_title : our AE title
    parts : the services to start
    hl7_port : where the listener for HL7 takes messages of this machine; None: there is none
    limit_s : for each of migration and start
    """
    dicom_port, worklist_port = free_port(), free_port()
    data_folder = folder / "data"
    data_folder.mkdir(parents=True, exist_ok=True)  # a test may have restored into it
    settings_file = folder / "firstread.toml"
    listener = "" if hl7_port is None else _listener(hl7_port)
    settings_file.write_text(_settings(settings_toml + listener, pacs))
    replaced = {
        "FIRSTREAD_SETTINGS_FILE": str(settings_file),
        "FIRSTREAD_DATA_FOLDER": str(data_folder),
        "FIRSTREAD_DATABASE_URL": database_url,
        "FIRSTREAD_BROKER_URL": broker_url,
        "FIRSTREAD_AE_TITLE": ae_title,
        "FIRSTREAD_DICOM_HOST": "127.0.0.1",
        "FIRSTREAD_DICOM_PORT": str(dicom_port),
        "FIRSTREAD_WORKLIST_HOST": "127.0.0.1",
        "FIRSTREAD_WORKLIST_PORT": str(worklist_port),
        "FIRSTREAD_INFERENCE_THREADS": "1",  # tests run two at a time on two cores
        **{f"FIRSTREAD_{name}": value for name, value in (variables or {}).items()},
    }
    unused = dict.fromkeys(("POSTGRES_PASSWORD", "REDIS_PASSWORD", "ORTHANC_PASSWORD"), "unused")
    services = read_services(unused)
    environment = {**services["worklist"].environment, **replaced}
    hospital = Hospital(
        ae_title=ae_title,
        dicom_port=dicom_port,
        worklist_url=f"http://127.0.0.1:{worklist_port}",
        data_folder=data_folder,
        environment=environment,
        commands={name: service.command for name, service in services.items()},
    )
    pacs.know_peer(ae_title, port=dicom_port, name="firstread")
    try:
        _run_to_its_end(hospital.start(_MIGRATION), limit_s=limit_s)
        ports = {"dicom-node": dicom_port, "worklist": worklist_port}
        if hl7_port is not None:
            parts, ports = (*parts, _HL7), {**ports, _HL7: hl7_port}
        for name in parts:
            hospital.start(name)
        for name, port in ports.items():
            if name in parts:
                hospital.processes[name].wait_until_ready(
                    functools.partial(answers, port), limit_s=limit_s
                )
        yield hospital
    finally:
        hospital.kill()


def _run_to_its_end(process: ServerProcess, *, limit_s: float) -> None:
    code = process.process.wait(timeout=limit_s)
    if code != 0:
        raise RuntimeError(f"{process.name} ended with {code}:\n{process.log_tail()}")


def _listener(port: int) -> str:
    return f"""
[hl7_listener]
host = "127.0.0.1"
port = {port}
senders = ["127.0.0.1/32"]
"""


def _settings(settings_toml: str, pacs: OrthancPeer) -> str:
    return f"""{settings_toml}

[[peers]]
name = "pacs"
ae_title = "{pacs.ae_title}"
host = "{pacs.host}"
port = {pacs.dicom_port}
roles = ["source", "destination"]

[[peers]]
name = "scanner"
ae_title = "SCANNER"
roles = ["source"]
"""


def _fill_in(value: Any, variables: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _fill_in(entry, variables) for key, entry in value.items()}
    if isinstance(value, list):
        return [_fill_in(entry, variables) for entry in value]
    if isinstance(value, str):
        return _VARIABLE.sub(lambda match: _replacement(match, variables), value)
    return value


def _replacement(match: re.Match[str], variables: Mapping[str, str]) -> str:
    dollar, name, operator, rest = match.groups()
    if dollar:
        return "$"
    given = variables.get(name, "")
    if given:
        return given
    if operator == ":?":
        raise LookupError(f"{name}: {rest}")
    return rest if operator == ":-" else ""
