"""Runs the checks one after the other, each with a limit of time; none holds up the others."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from firstread.checks.check import Health
from firstread.doctor.examined_site import ExaminedSite
from firstread.doctor.line import DoctorLine, broken, reason_of, say, warning, worst_of
from radiology.errors import FirstreadError
from settings.log.log_events import get_logger

_log = get_logger("doctor")
_LOOK_EVERY_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class DoctorCheck:
    """One thing to look at.

    Attributes
    ----------
    name : what its lines' names begin with
    title : for a person
    look : gives its lines, one by one; what it has said before its limit is kept
    limit_s : then the next check begins
    needs : names of lines that must have been said before, and not be broken; otherwise it cannot
        look. The part before the dot is the check that says them.
    of : which one of several: the name of a peer, a bundle, a channel
    """

    name: str
    title: str
    look: Callable[[ExaminedSite], Iterable[DoctorLine]]
    limit_s: float = 30.0
    needs: tuple[str, ...] = ()
    of: str = ""

    @property
    def label(self) -> str:
        """Its title, and which one of several it is."""
        return f"{self.title} {self.of}".strip()


@dataclass(frozen=True, slots=True)
class CheckDone:
    """What one check has said, and how long it took."""

    check: DoctorCheck
    lines: tuple[DoctorLine, ...]
    took_s: float

    @property
    def health(self) -> Health:
        """That of its worst line."""
        return worst_of(self.lines)


def run_checks(
    checks: Sequence[DoctorCheck],
    site: ExaminedSite,
    *,
    on_begin: Callable[[DoctorCheck, int], None] = lambda _check, _done: None,
    on_waiting: Callable[[], None] = lambda: None,
) -> Iterator[CheckDone]:
    """Run them in their order, and give what each has said.

    Parameters
    ----------
    on_begin : told of each check before it begins, and how many are done
    on_waiting : called every two seconds while a check takes longer
    """
    said: dict[str, Health] = {}
    titles = {one.name: one.title for one in checks}
    for number, check in enumerate(checks):
        on_begin(check, number)
        missing = [one for one in check.needs if said.get(one, Health.BROKEN) is Health.BROKEN]
        began = time.monotonic()
        if missing:
            lines = [_cannot(check, [titles[one.partition(".")[0]] for one in missing])]
        else:
            lines = _look(check, site, on_waiting)
        said |= {line.name: line.health for line in lines}
        yield CheckDone(check, tuple(lines), time.monotonic() - began)


def _cannot(check: DoctorCheck, missing: Sequence[str]) -> DoctorLine:
    return warning(
        f"{check.name}.not-checked",
        say(
            "%(title)s: not checked, because of: %(missing)s",
            title=check.title,
            missing=", ".join(missing),
        ),
        say("Mend that first, then run the doctor again."),
    )


@dataclass
class _Looked:
    """What a check says, from its own thread."""

    lines: list[DoctorLine] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)
    over: bool = False  # the limit has passed: what comes now is not listened to

    def listen(self, check: DoctorCheck, site: ExaminedSite) -> None:
        try:
            for line in check.look(site):
                if self.over:
                    return
                self.lines.append(line)
        except (FirstreadError, OSError) as error:
            self.lines.append(_failed(check, reason_of(error)))
        except Exception as error:  # noqa: BLE001 a thread ends here, and the other checks go on
            _log.error("check_failed", check=check.name, error_kind=type(error).__name__)
            self.lines.append(_defect(check, type(error).__name__))
        finally:
            self.ended.set()


def _look(
    check: DoctorCheck, site: ExaminedSite, on_waiting: Callable[[], None]
) -> list[DoctorLine]:
    looked = _Looked()
    # A thread that ends with the process: one that hangs in a library cannot be ended otherwise.
    threading.Thread(
        target=looked.listen, args=(check, site), name=f"check {check.name}", daemon=True
    ).start()
    ends_at = time.monotonic() + check.limit_s
    while not looked.ended.wait(min(_LOOK_EVERY_S, max(0.0, ends_at - time.monotonic()))):
        if time.monotonic() >= ends_at:
            looked.over = True
            return [*looked.lines, _too_slow(check)]
        on_waiting()
    return looked.lines


def _failed(check: DoctorCheck, reason: str) -> DoctorLine:
    return broken(
        check.name,
        say("%(title)s: %(reason)s", title=check.title, reason=reason),
        say("Do what the message says; docs/errors.md has more of each kind of error."),
    )


def _defect(check: DoctorCheck, kind: str) -> DoctorLine:
    return broken(
        check.name,
        say("%(title)s: the check itself failed (%(kind)s)", title=check.title, kind=kind),
        say("Report it: it is a defect of Firstread. The other checks are not touched by it."),
    )


def _too_slow(check: DoctorCheck) -> DoctorLine:
    return broken(
        check.name,
        say(
            "%(title)s: no answer within %(limit)s s",
            title=check.title,
            limit=round(check.limit_s),
        ),
        say(
            "Something answers very late or not at all: look at the machine that this check "
            "asks, and at the network between."
        ),
    )
