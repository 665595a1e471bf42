"""Processes that kill themselves at a chosen moment, and what must hold of what they leave."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Engine, event, select

from database.session import query
from database.tables.operation.retention import FileRemoval
from database.tables.study.analysis import Instance, Result
from database.tables.study.quarantine import QuarantinedObject
from tests.builders.stored.kept_studies import KeptSite


def is_killed_at(moment: int, work: Callable[[], None]) -> bool:
    """Do work in a process that kills itself at its n-th moment; False where it came to its end.

    Moments are around each removal of a file, and before each commit of any database: what is
    committed is there at the moment that follows.
    """

    def until_then() -> None:
        passed = 0

        def pass_by(*_: object) -> None:
            nonlocal passed
            passed += 1
            if passed == moment:
                os.kill(os.getpid(), signal.SIGKILL)

        event.listen(Engine, "commit", pass_by)
        remove = Path.unlink

        def unlink(path: Path, missing_ok: bool = False) -> None:
            pass_by()
            remove(path, missing_ok=missing_ok)
            pass_by()

        Path.unlink = unlink  # type: ignore[method-assign]
        work()

    child = multiprocessing.get_context("fork").Process(target=until_then)
    child.start()
    child.join(60)
    assert child.exitcode in (0, -signal.SIGKILL), child.exitcode
    return child.exitcode != 0


def require_agreement(site: KeptSite) -> None:
    """Each file is named by a row or marked; each row's file is there."""
    settings = site.settings
    with query(site.engine) as session:
        instances = session.execute(select(Instance.path, Instance.removed_at)).all()
        results = session.scalars(select(Result.key_picture)).all()
        quarantined = session.scalars(select(QuarantinedObject.path)).all()
        marked = {(one.folder, one.path) for one in session.scalars(select(FileRemoval)).all()}
    here = {str(one.path) for one in instances if one.removed_at is None}
    on_disk = {
        str(path.relative_to(settings.spool_folder))
        for path in settings.spool_folder.rglob("*.dcm")
    }
    assert here <= on_disk
    assert on_disk <= here | {path for folder, path in marked if folder == "spool"}
    for picture in filter(None, results):
        assert (settings.results_folder / picture).exists()
    for path in filter(None, quarantined):
        assert (settings.quarantine_folder / path).exists()
    aside = {
        str(path.relative_to(settings.quarantine_folder))
        for path in settings.quarantine_folder.rglob("*.dcm")
    }
    assert aside <= set(quarantined) | {path for name, path in marked if name == "quarantine"}
