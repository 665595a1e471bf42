"""`firstread doctor`: runs the checks, shows each line with its cure, and keeps the result."""

from __future__ import annotations

import contextlib
import getpass
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

from rich.console import Console
from rich.markup import escape

from database.doctor.runs import RunFacts, begin_run, end_run, note_run, run_of
from database.schema import check_schema
from database.session import transaction
from firstread.checks.check import Health
from firstread.doctor.all_checks import all_checks
from firstread.doctor.examined_site import ExaminedSite
from firstread.doctor.line import DoctorLine, broken, reason_of, say, worst_of
from firstread.doctor.run_checks import CheckDone, DoctorCheck, run_checks
from firstread.say import print_json
from radiology.errors import DatabaseUnavailable, FirstreadError, Refused, SettingsRefused
from settings.environment import Settings

_SIGNS: Final = {
    Health.FINE: "[bold green]✓[/]",
    Health.WARNING: "[bold yellow]![/]",
    Health.BROKEN: "[bold red]✗[/]",
}
_WORDS: Final = {Health.FINE: "fine", Health.WARNING: "to look at", Health.BROKEN: "broken"}


@dataclass(frozen=True, slots=True)
class DoctorOptions:
    """What whoever calls the doctor wants of it.

    Attributes
    ----------
    run_id : of a row that somebody has begun for it: the page; None: it begins its own
    """

    send_phantom: bool
    tell_flags: bool
    phantom_limit_s: float
    as_json: bool
    run_id: int | None = None


def run_doctor(read: Callable[[], Settings], asked: DoctorOptions) -> int:
    """Run every check, print and keep what they say.

    Parameters
    ----------
    read : gives the settings in force

    Returns
    -------
    0 where everything is fine, 1 where something should be looked at, 2 where something is broken.

    Raises
    ------
    Refused
        Another run is under way.
    """
    began = time.monotonic()
    shown = _Shown(asked.as_json)
    try:
        settings = read()
    except SettingsRefused as error:
        check = DoctorCheck("settings", "Settings", lambda _site: ())
        done = [CheckDone(check, (_unread(error),), 0.0)]
        shown.done(done[0])
        return shown.end(done, time.monotonic() - began)
    site = ExaminedSite(
        settings, tell_flags=asked.tell_flags, phantom_limit_s=asked.phantom_limit_s
    )
    run = _begin(site, asked)
    if run is not None:
        site = replace(site, run_id=run.run_id, ticket=run.ticket)
    kept = _Kept(site)
    checks = all_checks(site, send_phantom=asked.send_phantom)
    done = []
    with shown.progress(len(checks)) as begin:

        def on_begin(check: DoctorCheck, number: int) -> None:
            begin(check, number)
            kept.note(done, check, len(checks))

        for one in run_checks(checks, site, on_begin=on_begin, on_waiting=kept.note_again):
            done.append(one)
            shown.done(one)
    kept.end(done)
    return shown.end(done, time.monotonic() - began)


def _unread(error: SettingsRefused) -> DoctorLine:
    return broken(
        "settings.read",
        say("%(reason)s", reason=reason_of(error)),
        say(
            "Correct it in firstread.toml or in the environment; docs/settings.md has each setting."
        ),
    )


def _begin(site: ExaminedSite, asked: DoctorOptions) -> RunFacts | None:
    """The row of this run; None where the database does not let us have one."""
    if not site.has_database:
        return None
    try:
        if asked.run_id is not None:
            with transaction(site.engine) as session:
                return run_of(session, asked.run_id, site.clock())
        check_schema(site.engine)
        with transaction(site.engine) as session:
            run = begin_run(session, site.clock(), asked_by=_user(), machine=socket.gethostname())
    except FirstreadError:
        return None  # the check of the database says why
    if run is None:
        raise Refused("Another doctor is under way: wait until it has ended, at most some minutes")
    return run


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        return "command line"


def _rows(done: Sequence[CheckDone]) -> list[dict[str, Any]]:
    return [
        {"title": one.check.title, "check_of": one.check.of, **line.as_json()}
        for one in done
        for line in one.lines
    ]


@dataclass
class _Kept:
    """The row of the run, as far as the database takes it."""

    site: ExaminedSite
    _noted: tuple[list[dict[str, Any]], int, int, str, str] = field(default=([], 0, 0, "", ""))

    def note(self, done: Sequence[CheckDone], check: DoctorCheck, of: int) -> None:
        """Note that a check begins."""
        self._noted = (_rows(done), len(done), of, check.title, check.of)
        self.note_again()

    def note_again(self) -> None:
        """Say that the run goes on."""
        lines, number, of, step, step_of = self._noted
        run_id = self.site.run_id
        if run_id is None:
            return
        with contextlib.suppress(DatabaseUnavailable), transaction(self.site.engine) as session:
            note_run(
                session,
                run_id,
                self.site.clock(),
                done=number,
                of=of,
                step=step,
                step_of=step_of,
                lines=lines,
            )

    def end(self, done: Sequence[CheckDone]) -> None:
        """Keep what was found."""
        run_id = self.site.run_id
        if run_id is None:
            return
        with contextlib.suppress(DatabaseUnavailable), transaction(self.site.engine) as session:
            end_run(session, run_id, self.site.clock(), lines=_rows(done))


class _Shown:
    """What a person or a script sees of it."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json
        self._out = Console(highlight=False, soft_wrap=True)
        self._err = Console(stderr=True, highlight=False)
        self._began = datetime.now(UTC)

    @contextlib.contextmanager
    def progress(self, of: int) -> Iterator[Callable[[DoctorCheck, int], None]]:
        """Show which check is under way, where somebody watches."""
        if not self._err.is_terminal:
            yield lambda _check, _number: None
            return
        with self._err.status("") as status:
            yield lambda check, number: status.update(
                f"{number + 1} of {of}: {escape(check.label)} …"
            )

    def done(self, one: CheckDone) -> None:
        """Show the lines of a check."""
        if self._as_json:
            return
        for line in one.lines:
            self._out.print(f"{_SIGNS[line.health]} {escape(str(line.said))}")
            if line.cure is not None:
                self._out.print(f"    [bold]To do:[/] {escape(str(line.cure))}")

    def end(self, done: Sequence[CheckDone], took_s: float) -> int:
        """Show the whole; gives the exit code."""
        lines = [line for one in done for line in one.lines]
        worst = worst_of(lines)
        counts = {health: sum(one.health is health for one in lines) for health in Health}
        if self._as_json:
            print_json(
                {
                    "health": worst.value,
                    "started_at": self._began.isoformat(),
                    "took_s": round(took_s, 1),
                    "machine": socket.gethostname(),
                    "checks": [
                        {
                            "name": one.check.name,
                            "of": one.check.of,
                            "title": one.check.title,
                            "health": one.health.value,
                            "took_s": round(one.took_s, 2),
                            "lines": [line.as_json() for line in one.lines],
                        }
                        for one in done
                    ],
                }
            )
        else:
            counted = ", ".join(f"{count} {_WORDS[health]}" for health, count in counts.items())
            self._out.print(f"{_SIGNS[worst]} {len(lines)} lines: {counted}; {took_s:.0f} s.")
        return worst.exit_code
