"""A server process of a test: its own process group, a log file, and an end that is certain."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.peers.waiting import WaitedTooLong, wait_until


class PeerDidNotStart(RuntimeError):
    """The program ended, or did not answer in time; the message carries its last log lines."""


class ServerProcess:
    """One running program with everything that it starts.

    The program leads a process group of its own, so that `stop` ends its children too. Where
    ``setpriv`` exists the program is also killed by the kernel when the test run itself dies.

    Parameters
    ----------
    name : used in messages and as the name of the log file
    command : the program and its arguments
    folder : working folder; the log file ``<name>.log`` is written here
    environment : added to the environment of the test run
    user : run as this user; only root can
    stop_signal : what asks the program to end
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        folder: Path,
        environment: Mapping[str, str] | None = None,
        user: str | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
    ) -> None:
        self.name = name
        self.command = [str(part) for part in command]
        self.log_path = folder / f"{name}.log"
        self._stop_signal = stop_signal
        self._asked_to_stop = False  # a second signal makes some programs end less cleanly
        self._group_ended = False
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [*_tied_to_this_process(user), *self.command],
                cwd=folder,
                env={**os.environ, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Process id of the program; also the id of its process group."""
        return self.process.pid

    @property
    def running(self) -> bool:
        """Whether the program has not ended yet."""
        return self.process.poll() is None

    def log(self) -> str:
        """Give all that the program has written so far, standard output and error together."""
        return self.log_path.read_text(errors="replace")

    def log_tail(self, lines: int = 30) -> str:
        """Give the last lines of the log."""
        return "\n".join(self.log().splitlines()[-lines:])

    def wait_until_ready(self, ready: Callable[[], bool], *, limit_s: float = 30.0) -> None:
        """Wait until `ready` says so.

        Raises
        ------
        PeerDidNotStart
            The program ended, or the limit was reached. The program is stopped.
        """

        def ready_or_dead() -> bool:
            if not self.running:
                raise PeerDidNotStart(
                    f"{self.name} ended with code {self.process.returncode}:\n{self.log_tail()}"
                )
            return ready()

        try:
            wait_until(ready_or_dead, what=f"{self.name} to answer", limit_s=limit_s)
        except WaitedTooLong as late:
            self.kill()
            raise PeerDidNotStart(f"{late}\n{self.log_tail()}") from late

    def ask_to_stop(self) -> None:
        """Send the signal that asks the program to end, and do not wait.

        Only the program itself is asked, as by an init process; its children are its own affair.
        """
        if self.running and not self._asked_to_stop:
            self._asked_to_stop = True
            self.process.send_signal(self._stop_signal)

    def stop(self, *, limit_s: float = 10.0) -> int:
        """Ask the program to end, then kill what is left of its group; give its exit code."""
        if self.running:
            self.ask_to_stop()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=limit_s)
        return self.kill()

    def kill(self) -> int:
        """Kill the whole group at once (``SIGKILL``), as a power cut would; give the exit code."""
        self._signal_group(signal.SIGKILL)
        self._group_ended = True
        return self.process.wait(timeout=10)

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to the program alone, not to its children."""
        self.process.send_signal(number)

    def _signal_group(self, number: signal.Signals) -> None:
        if self._group_ended:
            return  # the kernel may have given the number to somebody else
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)


def _tied_to_this_process(user: str | None) -> list[str]:
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        if user is not None:
            raise RuntimeError("setpriv (Debian package util-linux) is needed to change the user")
        return []
    change = [f"--reuid={user}", f"--regid={user}", "--clear-groups"] if user else []
    return [setpriv, *change, "--pdeathsig", "KILL", "--"]
