"""`firstread demo`: the whole path of a study on one machine, each step shown as it happens."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from database.accounts.kept import add_account
from database.session import query, transaction
from database.views.demo_rows import StudyAnswer, study_answers
from firstread.demo.report import print_event, print_objects, print_truth, print_worklist
from firstread.demo.stage import SCANNER_AE_TITLE, DemoFailed, Ports, Stage, set_up_stage
from firstread.find_instances import FoundInstances, find_instances
from firstread.phantom.kind import PhantomKind
from firstread.phantom.make_kind import make_kind
from firstread.send import send_folder
from firstread.serve.supervisor import ended_by_sigterm, watch_until_stopped
from phantom import Phantom
from phantom.study import write_phantom_study
from settings.page.sign_in import Role
from worklist.access.passwords import hash_password

_ANALYSIS_LIMIT_S = 300.0


@dataclass(frozen=True)
class DemoStudy:
    """Something to send: a folder, and what is known of it."""

    folder: Path
    found: FoundInstances
    phantom: Phantom | None = None
    name: str = ""


def run_demo(study: Path | None, data_folder: Path, *, ports: Ports, keep_running: bool) -> int:
    """Show the whole path.

    Returns
    -------
    0 when the results of every study are in PACS; 1 when one was refused or failed, with the
    reason printed.

    Raises
    ------
    SettingsRefused, DemoFailed
        Something that the demo needs is not there; the message says what to do.
    """
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=120)  # a log file has room
    # Looked at first: a wrong folder should not cost the time to start everything.
    given = DemoStudy(study, find_instances(study)) if study is not None else None
    began = time.monotonic()
    with ended_by_sigterm(), set_up_stage(data_folder, ports, say=console.print) as stage:
        account = _account(stage)
        console.print(f"{account} at {stage.page}")
        studies = [given] if given else _phantoms(console, data_folder / "scanner")
        for folder in studies:
            _send(console, stage, folder)
        answers = _watch(console, stage, studies)
        good = _report(console, stage, studies, answers)
        console.print(
            f"\n[bold]{'Done' if good else 'Not every study could be processed'}[/] after "
            f"{time.monotonic() - began:.0f} s. Everything is in {data_folder}"
        )
        if keep_running:
            console.print(account)
            console.print(f"The worklist page stays at {stage.page} until Ctrl-C.")
            watch_until_stopped(stage.supervisor)
            console.print("Stopping.")
        else:
            console.print(
                "The page is closed. To look at it: make demo DEMO_OPTIONS=--keep-running, which "
                "leaves it open until Ctrl-C."
            )
    return 0 if good else 1


def _account(stage: Stage) -> str:
    """An account for this run alone, in words: the folder is emptied before the next one."""
    password = "-".join(secrets.token_hex(2) for _ in range(4))
    with transaction(stage.engine) as session:
        hashed = hash_password(password)
        add_account(session, "demo", Role.ADMINISTRATOR, hashed, datetime.now(UTC))
    return f"Sign in as demo with the one-time password {password}"


def _phantoms(console: Console, folder: Path) -> list[DemoStudy]:
    """From healthy to gravely diseased: the last to arrive must come out on top."""
    made = []
    for kind in PhantomKind:
        with _bar(console, f"Making a {kind.words} phantom") as show:
            phantom = make_kind(kind, show)
        study = folder / kind.value
        write_phantom_study(phantom, study)
        made.append(DemoStudy(study, find_instances(study), phantom, kind.words))
    return made


def _send(console: Console, stage: Stage, study: DemoStudy) -> None:
    settings = stage.settings
    with _bar(console, "C-STORE, as a scanner would") as show:
        report = send_folder(
            study.folder,
            host="127.0.0.1",
            port=settings.dicom_port,
            called_ae_title=settings.ae_title,
            calling_ae_title=SCANNER_AE_TITLE,
            on_progress=show,
        )
    if not report.stored:
        raise DemoFailed("The node stored none of the instances", sent=report.sent)
    if report.refused:
        console.print(f"{report.refused} of {report.sent} instances were refused; see the page")


def _watch(console: Console, stage: Stage, studies: list[DemoStudy]) -> list[StudyAnswer]:
    """Print events until every study has ended; returns the answers, most urgent first."""
    wanted = {uid for study in studies for uid in study.found.study_instance_uids}
    answers: list[StudyAnswer] = []

    def ended() -> bool:
        nonlocal answers
        with query(stage.engine) as session:
            answers = study_answers(session)
        arrived = {answer.study_instance_uid for answer in answers}
        return bool(answers) and all(answer.ended for answer in answers) and wanted <= arrived

    for event in stage.follow(ended, _ANALYSIS_LIMIT_S):
        print_event(console, event)
    return answers


def _report(
    console: Console, stage: Stage, studies: list[DemoStudy], answers: list[StudyAnswer]
) -> bool:
    console.print()
    print_worklist(console, answers)
    good = True
    for answer in answers:
        objects = stage.pacs.results_of(answer.study_instance_uid)
        good &= print_objects(console, stage.pacs.name, answer, objects)
    for study in studies:
        if study.phantom is None:
            continue
        uids = study.found.study_instance_uids
        mine = next((one for one in answers if one.study_instance_uid in uids), None)
        if mine is not None:
            print_truth(console, study.name, study.phantom, mine)
    pictures = [answer.key_picture for answer in answers if answer.key_picture]
    for picture in pictures:
        console.print(f"Key picture: {stage.settings.results_folder / picture}", soft_wrap=True)
    console.print(f"Worklist page: {stage.page}")
    return good


class _Shown:
    """Feeds a progress bar, whatever total the first call names."""

    def __init__(self, progress: Progress, label: str) -> None:
        self._progress = progress
        self._task = progress.add_task(label, total=None)

    def __call__(self, done: int, total: int) -> None:
        self._progress.update(self._task, completed=done, total=total)


@contextmanager
def _bar(console: Console, label: str) -> Iterator[_Shown]:
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console) as progress:
        yield _Shown(progress, label)
