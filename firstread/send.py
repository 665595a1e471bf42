"""`firstread send`: sends a folder as a scanner does, with one association for each study."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from dicom_node.request.c_store import StoreAnswer, send_instances
from dicom_node.status import DUPLICATE_SOP_INSTANCE, ELEMENTS_DISCARDED, SUCCESS
from firstread.find_instances import find_instances
from radiology.errors import SettingsRefused
from radiology.identity import checked_ae_title
from radiology.words.peer_words import with_words
from settings.peers import Peer, PeerRole

_TIMEOUT_S = 60.0
# What counts as sent for a delivery of ours, whose UIDs follow from its content, says of an object
# of somebody else that the receiver need not have it.
_PERHAPS_NOT_KEPT = {
    ELEMENTS_DISCARDED: (
        "taken with a warning, and perhaps not kept: Firstread puts what is no CT in quarantine"
    ),
    DUPLICATE_SOP_INSTANCE: "the receiver holds an object of this SOP Instance UID already",
}


@dataclass
class SendReport:
    """What became of a folder.

    `refusals` counts the reasons of what was not stored, or perhaps not kept; `warnings` the
    statuses of what was stored otherwise than it was sent; `others` are files that are not DICOM.
    """

    studies: int
    others: int
    sent: int = 0
    stored: int = 0
    refusals: dict[str, int] = field(default_factory=dict)
    warnings: dict[str, int] = field(default_factory=dict)

    @property
    def refused(self) -> int:
        """How many instances the receiver did not store."""
        return self.sent - self.stored

    def count(self, answer: StoreAnswer) -> None:
        """Take one answer in."""
        self.sent += 1
        status = "" if answer.status is None else f" (status 0x{answer.status:04X})"
        if answer.error is not None:
            reason = f"{answer.error.kind}: {answer.error.message}{status}"
            _add(self.refusals, with_words(reason, answer.error.said))
        elif answer.status in _PERHAPS_NOT_KEPT:
            _add(self.refusals, f"{_PERHAPS_NOT_KEPT[answer.status]}{status}")
        else:
            self.stored += 1
            if answer.status != SUCCESS:
                _add(self.warnings, f"stored, with a warning{status}")


def send_folder(
    folder: Path,
    *,
    host: str,
    port: int,
    called_ae_title: str,
    calling_ae_title: str,
    on_progress: Callable[[int, int], None] | None = None,
) -> SendReport:
    """Send every DICOM instance of a folder by C-STORE, each study in an association of its own.

    Raises
    ------
    SettingsRefused
        The folder is not there or holds no DICOM, or an AE title is not valid.
    PeerUnreachable, PeerBusy, PeerRefused
        There was no association; the message says what to change.
    """
    peer = _receiver(host, port, called_ae_title)
    calling = checked_ae_title(calling_ae_title)
    found = find_instances(folder)
    report = SendReport(studies=len(found.by_study), others=found.others)
    total = len(found.paths)

    def answered(answer: StoreAnswer) -> None:
        report.count(answer)
        if on_progress is not None:
            on_progress(report.sent, total)

    for paths in found.by_study.values():
        send_instances(
            paths, peer, calling_ae_title=calling, timeout_s=_TIMEOUT_S, on_answer=answered
        )
    return report


def send_and_show(folder: Path, *, host: str, port: int, called: str, calling: str) -> int:
    """Send a folder and show how far it is; returns 0 when everything was stored, otherwise 1."""
    console = Console(highlight=False)
    columns = (
        TextColumn("C-STORE"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("C-STORE", total=None)
        report = send_folder(
            folder,
            host=host,
            port=port,
            called_ae_title=called,
            calling_ae_title=calling,
            on_progress=lambda done, total: progress.update(task, completed=done, total=total),
        )
    console.print(
        f"{report.stored} of {report.sent} instances of {report.studies} studies stored"
        + (f"; {report.others} other files left out" if report.others else "")
    )
    for reason, count in report.refusals.items():
        console.print(f"[bold red]{count} not stored[/]: {escape(reason)}")
    for reason, count in report.warnings.items():
        console.print(f"{count} {escape(reason)}")
    return 0 if report.stored == report.sent else 1


def _add(counts: dict[str, int], reason: str) -> None:
    counts[reason] = counts.get(reason, 0) + 1


def _receiver(host: str, port: int, ae_title: str) -> Peer:
    if not 1 <= port <= 65535:
        raise SettingsRefused("A port is a number from 1 to 65535", port=port)
    return Peer(
        name="receiver",
        ae_title=checked_ae_title(ae_title),
        host=host,
        port=port,
        roles=frozenset({PeerRole.DESTINATION}),
    )
