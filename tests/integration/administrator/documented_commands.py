"""The commands of a document, run on a machine that is a folder: paths and addresses replaced.

What only a real server can do is not pretended: installing is left out, and in place of systemd the
program of each unit is started with the environment that the unit names.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from tests.peers.process import ServerProcess
from tests.peers.programs import REPOSITORY

_PROGRAM = "/opt/firstread/bin/firstread"
_INSTALLING = ("apt-get ", "adduser ", "python3 -m venv ", "/opt/firstread/bin/pip ")
_AS_ANOTHER = (  # there is no user firstread here
    "setpriv --reuid=firstread --regid=firstread --init-groups ",
    "-o root -g firstread ",
)
_CONTINUES = re.compile(r"^( |done$|fi$)")


def commands_of(text: str) -> dict[str, list[str]]:
    """Each command of a document by its section: of indented blocks, loops and continued lines
    as one."""
    found: dict[str, list[str]] = {}
    section, continued = "", False
    for line in text.splitlines():
        if line.startswith("## "):
            section = line.removeprefix("## ")
        if not line.startswith("    "):
            continue
        command = line[4:]
        lines = found.setdefault(section, [])
        if lines and (continued or _CONTINUES.match(command)):
            lines[-1] += f"\n{command}"
        else:
            lines.append(command)
        continued = command.endswith("\\")
    return found


@dataclass
class Machine:
    """A server as a folder.

    Attributes
    ----------
    changes : further texts of the documents, and what stands in their place here
    environment : of each program that is started
    processes : those of units, by the part
    """

    folder: Path
    changes: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    processes: dict[str, ServerProcess] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("usr/local/bin", "etc/systemd/system", "etc/logrotate.d", "var/lib/firstread"):
            (self.folder / name).mkdir(parents=True)
        (self.folder / "var/log/firstread").mkdir(parents=True)
        (self.folder / "srv").mkdir()
        shutil.copytree(REPOSITORY / "docs" / "hospital", self.release / "docs" / "hospital")

    @property
    def release(self) -> Path:
        """Where the commands are given."""
        return self.folder / "release"

    def here(self, text: str) -> str:
        """A text of the documents as it is on this machine."""
        for old, new in self.changes.items():
            text = text.replace(old, new)
        for one in _AS_ANOTHER:
            text = text.replace(one, "")
        text = text.replace(_PROGRAM, str(Path(sys.executable).with_name("firstread")))
        text = re.sub(r"(?<![\w.])/(etc|srv|usr/local|var)/", rf"{self.folder}/\1/", text)
        return re.sub(r"\b10\.0\.0\.\d+", "127.0.0.1", text)

    def prepare(self) -> None:
        """Let the files of the release that are copied name this machine."""
        for file in (self.release / "docs" / "hospital").rglob("*"):
            if file.is_file():
                file.write_text(self.here(file.read_text()))

    def run(self, commands: list[str], *, typed: str = "") -> str:
        """Run the commands of a section in one shell; gives what they print.

        Parameters
        ----------
        typed : what a person types when asked
        """
        assert not any(one.startswith(_INSTALLING) for one in commands)
        script = self.here("set -eu\n" + "\n".join(commands))
        path = f"{self.folder / 'usr/local/bin'}:/usr/sbin:/usr/bin:/sbin:/bin"
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self.release,
            env={**os.environ, **self.environment, "PATH": path},
            input=typed,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, f"{script}\nended with {done.returncode}:\n{done.stdout}"
        return done.stdout

    def systemctl(self, command: str) -> None:
        """Start what `systemctl start` and `systemctl enable --now` would start."""
        words = shlex.split(command)
        if words[1] == "daemon-reload":
            return
        assert words[1] in ("start", "enable")
        for name in (one for one in words[2:] if not one.startswith("-")):
            if name.endswith(".target"):
                for wanted in re.findall(r"^Wants=(.+)$", self._unit(name), re.MULTILINE):
                    for unit in wanted.split():
                        self._start(unit.removesuffix(".service"))
            else:
                self._start(name)

    def kill(self) -> None:
        """End everything."""
        for process in self.processes.values():
            process.kill()

    def _unit(self, name: str) -> str:
        return (self.folder / "etc/systemd/system" / name).read_text()

    def _start(self, name: str) -> None:
        template, at, part = name.partition("@")
        unit = self._unit(f"{template}{at}.service").replace("%i", part)
        for needed in re.findall(r"^Requires=(\S+)\.service$", unit, re.MULTILINE):
            if needed not in self.processes:
                self._start(needed)
        (program,) = re.findall(r"^ExecStart=(.+)$", unit, re.MULTILINE)
        set_here = dict(re.findall(r"^Environment=(\w+)=(.+)$", unit, re.MULTILINE))
        for file in re.findall(r"^EnvironmentFile=-?(.+)$", unit, re.MULTILINE):
            set_here |= dict(re.findall(r"^(\w+)=(.+)$", Path(file).read_text(), re.MULTILINE))
        assert (part or name) not in self.processes, name
        process = ServerProcess(
            part or name,
            shlex.split(program),
            folder=self.folder,
            environment=self.environment | set_here,
        )
        self.processes[part or name] = process
        if "Type=oneshot" in unit:
            code = process.process.wait(timeout=300)
            assert code == 0, process.log_tail()
