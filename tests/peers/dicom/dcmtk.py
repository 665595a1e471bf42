"""dcmtk as scanner (storescu, dcmsend, echoscu), as PACS (storescp), as one who asks
a PACS (findscu) and as reader (dsrdump)."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from pydicom import Dataset, dcmread

from tests.peers.ports import answers, free_port
from tests.peers.process import ServerProcess
from tests.peers.programs import require_program

# Without it Nagle's algorithm holds two dcmtk ends to about 20 instances a second.
_ENVIRONMENT = {"TCP_NODELAY": "1"}


@dataclass(frozen=True)
class ProgramResult:
    """What a program of dcmtk said."""

    returncode: int
    output: str

    @property
    def ok(self) -> bool:
        """Whether it ended with code 0."""
        return self.returncode == 0

    def check(self) -> Self:
        """Give the result itself, or fail with what the program said."""
        assert self.ok, f"ended with code {self.returncode}:\n{self.output[-3000:]}"
        return self


@dataclass
class StoreScpPeer:
    """A running storescp, which keeps each instance as a file as it came."""

    ae_title: str
    host: str
    port: int
    folder: Path
    process: ServerProcess

    def files(self) -> list[Path]:
        """Give the files received so far, sorted by name."""
        return sorted(path for path in self.folder.iterdir() if path.is_file())

    def data_sets(self) -> list[Dataset]:
        """Read the files received so far."""
        return [dcmread(path) for path in self.files()]


@dataclass
class Dcmtk:
    """The programs of dcmtk; each is looked for when it is first used."""

    work_folder: Path
    servers: list[StoreScpPeer] = field(default_factory=list)

    def echoscu(
        self,
        *,
        port: int,
        called_ae_title: str,
        calling_ae_title: str = "SCANNER",
        host: str = "127.0.0.1",
        options: Sequence[str] = (),
    ) -> ProgramResult:
        """Verify a peer by C-ECHO."""
        return self._run(
            "echoscu",
            [*_titles(calling_ae_title, called_ae_title), *options, host, str(port)],
        )

    def storescu(
        self,
        files: Iterable[Path],
        *,
        port: int,
        called_ae_title: str,
        calling_ae_title: str = "SCANNER",
        host: str = "127.0.0.1",
        options: Sequence[str] = (),
        timeout_s: float = 120.0,
    ) -> ProgramResult:
        """Send files or folders as a scanner does: one association, as they are encoded.

        Parameters
        ----------
        files : files, or folders that are searched recursively
        port, called_ae_title, host : the peer
        calling_ae_title : who we say that we are
        options : further options, for example ``["-xs"]`` to propose JPEG Lossless first, which
            storescu needs for compressed files; `dcmsend` finds that out by itself
        timeout_s : limit for the whole transfer
        """
        return self._run(
            "storescu",
            [
                *("-v", "+sd", "+r", *_titles(calling_ae_title, called_ae_title)),
                *options,
                host,
                str(port),
                *files,
            ],
            timeout_s=timeout_s,
        )

    def dcmsend(
        self,
        files: Iterable[Path],
        *,
        port: int,
        called_ae_title: str,
        calling_ae_title: str = "SCANNER",
        host: str = "127.0.0.1",
        options: Sequence[str] = (),
        timeout_s: float = 120.0,
    ) -> ProgramResult:
        """Send files or folders in the transfer syntax in which they are stored."""
        return self._run(
            "dcmsend",
            [
                *("-v", "--decompress-never", "+sd", "+r", "--no-uid-checks"),
                *_titles(calling_ae_title, called_ae_title),
                *options,
                host,
                str(port),
                *files,
            ],
            timeout_s=timeout_s,
        )

    def storescp(
        self,
        *,
        ae_title: str = "STORESCP",
        options: Sequence[str] = ("+xa",),
        port: int | None = None,
    ) -> StoreScpPeer:
        """Start a storescp and wait until it answers.

        Parameters
        ----------
        ae_title : the title under which it takes associations; storescp accepts any called title
        options : further options; ``+xa`` accepts all transfer syntaxes that it knows. Others
            that tests like: ``--abort-after``, ``--sleep-after 5``, ``--refuse``
        port : where it listens; a free one if None
        """
        program = require_program("storescp", package="dcmtk")
        port = free_port() if port is None else port
        folder = self.work_folder / f"storescp-{port}"
        received = folder / "received"
        received.mkdir(parents=True)
        process = ServerProcess(
            "storescp",
            [
                *(program, "-v", "-aet", ae_title, "-od", received, "-uf", "-B"),
                *(*options, str(port)),
            ],
            folder=folder,
            environment=_ENVIRONMENT,
        )
        peer = StoreScpPeer(
            ae_title=ae_title, host="127.0.0.1", port=port, folder=received, process=process
        )
        self.servers.append(peer)
        process.wait_until_ready(lambda: answers(port))
        return peer

    def findscu(
        self,
        study_instance_uid: str,
        *,
        port: int,
        called_ae_title: str,
        calling_ae_title: str = "SCANNER",
        host: str = "127.0.0.1",
    ) -> set[str]:
        """Ask a peer by C-FIND which instances of a study it holds; gives SOP Instance UIDs."""
        folder = self.work_folder / f"findscu-{port}-{time.monotonic_ns()}"
        folder.mkdir(parents=True)
        self._run(
            "findscu",
            [
                *("-S", "-X", "-od", str(folder), *_titles(calling_ae_title, called_ae_title)),
                *("-k", "QueryRetrieveLevel=IMAGE", "-k", f"StudyInstanceUID={study_instance_uid}"),
                *("-k", "SeriesInstanceUID", "-k", "SOPInstanceUID", host, str(port)),
            ],
        ).check()
        found = [dcmread(path, force=True) for path in folder.iterdir()]
        return {str(one.SOPInstanceUID) for one in found}

    def dsrdump(self, path: Path) -> str:
        """Give an SR document as text; fail when dcmtk cannot read it or warns."""
        result = self._run("dsrdump", ["+Pc", "+Pu", path]).check()
        _assert_nothing_wrong(result)
        return result.output

    def dsr2html(self, path: Path) -> str:
        """Give an SR document as HTML; fail when dcmtk cannot read it or warns."""
        page = self.work_folder / "report.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        result = self._run("dsr2html", ["+U8", path, page]).check()
        _assert_nothing_wrong(result)
        return page.read_text()

    def dcmdump(self, path: Path, *options: str) -> str:
        """Give a data set as text."""
        return self._run("dcmdump", [*options, path]).check().output

    def stop(self) -> None:
        """End every storescp."""
        for server in self.servers:
            server.process.stop()
        self.servers.clear()

    def _run(
        self, name: str, arguments: Iterable[str | Path], *, timeout_s: float = 60.0
    ) -> ProgramResult:
        program = require_program(name, package="dcmtk")
        done = subprocess.run(
            [str(program), *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", **_ENVIRONMENT},
            timeout=timeout_s,
            check=False,
        )
        return ProgramResult(done.returncode, done.stdout.decode(errors="replace"))


def _titles(calling: str, called: str) -> list[str]:
    return ["-aet", calling, "-aec", called]


def _assert_nothing_wrong(result: ProgramResult) -> None:
    problems = [
        line
        for line in result.output.splitlines()
        if line.startswith(("E:", "W:")) and not line.startswith(_UNCHECKED)
    ]
    assert not problems, "\n".join(problems)


# What dcmtk does not check: the characters of a text in UTF-8, and the template of a Key Object
# Selection, whatever it holds.
_UNCHECKED = (
    "W: The VR checker does not support this Specific Character Set",
    "W: Check for template constraints not yet supported",
)
