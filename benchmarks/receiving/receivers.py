"""The programs that receive: Firstread's node of any source tree, Orthanc, dcmtk's storescp."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.peers.dicom.orthanc import start_orthanc
from tests.peers.ports import answers, free_port
from tests.peers.process import ServerProcess
from tests.peers.programs import REPOSITORY, find_program

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PDU: Final = "131072"
# Of Orthanc's own index SQLite flushes nothing at a commit (PRAGMA SYNCHRONOUS=NORMAL with a
# write-ahead log), and Orthanc has no setting for it: a power cut takes the last instances.
_SYNCHRONOUS: Final = Path(__file__).with_name("synchronous_full.c")
_MAKE_SCHEMA: Final = (
    "import sys; from database.schema import upgrade_schema; "
    "from database.session import open_engine; upgrade_schema(open_engine(sys.argv[1]))"
)


@dataclass(frozen=True, slots=True)
class Receiver:
    """One that runs.

    Attributes
    ----------
    name : in the table
    called : its AE title
    durable : what is on disk when it answers Success
    """

    name: str
    called: str
    port: int
    durable: str
    process: ServerProcess

    def processor_s(self) -> float:
        """What it has used so far, with the children that have ended."""
        return sum(_processor_s(pid) for pid in self._pids())

    def most_memory_mb(self) -> float:
        """The most that it had in memory at once, file cache left out."""
        return sum(_peak_mb(pid) for pid in self._pids())

    def _pids(self) -> list[int]:
        pid = self.process.pid
        return [pid, *_children(pid)]


@contextlib.contextmanager
def running_receivers(folder: Path, trees: Mapping[str, Path]) -> Iterator[list[Receiver]]:
    """Start them all, and stop them at the end.

    Parameters
    ----------
    folder : for what they store; on the disk that is measured
    trees : source trees of Firstread by the name in the table
    """
    with contextlib.ExitStack() as stack:
        started = [_firstread(folder / f"node-{k}", *one) for k, one in enumerate(trees.items())]
        if find_program("Orthanc") is not None:
            started.append(_orthanc(folder / "orthanc", {}))
            library = _made_synchronous(folder)
            if library is not None:
                started.append(_orthanc(folder / "orthanc-full", {"LD_PRELOAD": str(library)}))
        if (program := find_program("storescp")) is not None:
            started.append(_storescp(folder / "storescp", program))
        for one in started:
            stack.callback(one.process.stop)
        yield started


def _firstread(folder: Path, name: str, tree: Path) -> Receiver:
    folder.mkdir(parents=True)
    port = free_port()
    environment = {"PYTHONPATH": str(tree), "FIRSTREAD_DATA_FOLDER": str(folder / "data")}
    environment |= {"FIRSTREAD_DICOM_HOST": "127.0.0.1", "FIRSTREAD_DICOM_PORT": str(port)}
    environment |= {"FIRSTREAD_MIN_FREE_BYTES": "0", "FIRSTREAD_LOG_LEVEL": "WARNING"}
    environment |= {"FIRSTREAD_PEERS": json.dumps([{"name": "scanner", "ae_title": "SCANNER"}])}
    (folder / "data").mkdir()
    subprocess.run(
        [sys.executable, "-c", _MAKE_SCHEMA, _address(folder / "data", tree)],
        check=True,
        cwd=folder,
        env=os.environ | environment,
    )
    process = ServerProcess(
        "node", [sys.executable, "-m", "dicom_node"], folder=folder, environment=environment
    )
    process.wait_until_ready(lambda: answers(port))
    durable = "file, folder, row"
    return Receiver(name, "FIRSTREAD", port, durable, process)


def _address(data_folder: Path, tree: Path) -> str:
    asked = (
        "import sys; from pathlib import Path; from settings.environment import Settings; "
        "print(Settings(data_folder=Path(sys.argv[1])).database_address)"
    )
    done = subprocess.run(
        [sys.executable, "-c", asked, str(data_folder)],
        check=True,
        capture_output=True,
        text=True,
        cwd=data_folder,
        env=os.environ | {"PYTHONPATH": str(tree)},
    )
    return done.stdout.strip()


def _orthanc(folder: Path, environment: Mapping[str, str]) -> Receiver:
    options: dict[str, Any] = {
        "SyncStorageArea": True,
        "MaximumPduLength": int(_PDU),
        "DicomAlwaysAllowStore": True,
        "StrictAetComparison": False,
        "Plugins": [],
    }
    peer = start_orthanc(folder, options=options, environment=environment)
    synchronous = bool(environment)
    return Receiver(
        "Orthanc, index synchronous" if synchronous else "Orthanc",
        peer.ae_title,
        peer.dicom_port,
        "file, row" if synchronous else "file",
        peer.process,
    )


def _made_synchronous(folder: Path) -> Path | None:
    """A library that lets Orthanc's SQLite flush every commit; None where there is no compiler."""
    compiler = find_program("cc")
    if compiler is None:
        return None
    library = folder / "synchronous_full.so"
    subprocess.run(
        [str(compiler), "-shared", "-fPIC", "-O1", "-o", str(library), str(_SYNCHRONOUS), "-ldl"],
        check=True,
    )
    return library


def _storescp(folder: Path, program: Path) -> Receiver:
    """storescp has no option to flush; it writes what it hears as it comes, and names no row.

    Of its options these are the nearest: bytes as they came (-B), file meta information written
    with them (+F), nothing thrown away at the end (no --ignore). It serves four senders only as
    processes of its own (--fork).
    """
    received = folder / "received"
    received.mkdir(parents=True)
    port = free_port()
    process = ServerProcess(
        "storescp",
        [
            *(program, "-aet", "STORESCP", "-od", received, "-uf", "-B", "+F"),
            *("-pdu", _PDU, "--fork", "+xa", str(port)),
        ],
        folder=folder,
        environment={"TCP_NODELAY": "1"},
    )
    process.wait_until_ready(lambda: answers(port))
    return Receiver("storescp", "STORESCP", port, "nothing", process)


def _processor_s(pid: int) -> float:
    fields = _fields(pid)
    return sum(int(one) for one in fields[11:15]) / _TICKS if fields else 0.0


def _fields(pid: int) -> list[str]:
    """Fields of /proc/PID/stat behind the name; none where the process has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _peak_mb(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(one.split()[1]) / 1024 for one in lines if one.startswith("VmHWM"))


def _children(pid: int) -> list[int]:
    found = []
    for one in Path("/proc").glob("[0-9]*"):
        fields = _fields(int(one.name))
        if fields and int(fields[1]) == pid:
            found.append(int(one.name))
    return found


__all__ = ["REPOSITORY", "Receiver", "running_receivers"]
