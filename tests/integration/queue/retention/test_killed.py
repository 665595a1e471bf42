"""A turn that is killed at any moment: rows and files agree, and the next turn ends its work."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import event, select

from database.retention.disk import Room
from database.session import Engine, open_engine, query
from database.tables.operation.retention import FileRemoval
from database.tables.study.analysis import Instance, Result
from database.tables.study.quarantine import QuarantinedObject
from tests.builders.stored.kept_studies import START, KeptSite, days
from worker.retention.turn import retention_turn

_ROOMY = Room(free_bytes=10**12, total_bytes=10**12)
_NOW = START + days(1000)


def _turn(site: KeptSite, engine: Engine, now: datetime = _NOW) -> None:
    while not retention_turn(site.settings, engine, now, measure=lambda _: _ROOMY, most_s=60).ended:
        pass


def _in_child(work: Callable[[], None]) -> int:
    child = multiprocessing.get_context("fork").Process(target=work)
    child.start()
    child.join(60)
    assert child.exitcode is not None
    return child.exitcode


def _killed_at(site: KeptSite, moment: int) -> bool:
    """Run a turn that kills itself at its n-th moment: around each commit and each removal."""
    url = site.engine.url.render_as_string(hide_password=False)

    def work() -> None:
        engine, passed = open_engine(url), 0

        def pass_by(*_: object) -> None:
            nonlocal passed
            passed += 1
            if passed == moment:
                os.kill(os.getpid(), signal.SIGKILL)

        event.listen(engine, "commit", pass_by)
        remove = Path.unlink

        def unlink(path: Path, missing_ok: bool = False) -> None:
            pass_by()
            remove(path, missing_ok=missing_ok)
            pass_by()

        Path.unlink = unlink  # type: ignore[method-assign]
        _turn(site, engine)

    return _in_child(work) == -signal.SIGKILL


def _require_agreement(site: KeptSite) -> None:
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


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """Of the embedded size alone: each killed turn is a process, and there are dozens."""
    from database.schema import upgrade_schema

    engine = open_engine(f"sqlite:///{tmp_path / 'test.sqlite'}")
    upgrade_schema(engine)
    return engine


def test_killed_at_every_moment(site: KeptSite) -> None:
    """At each commit, before and after each removal; then one turn brings it to its end."""
    for moment in range(1, 200):
        study, aside = site.study(), site.quarantine()
        if not _killed_at(site, moment):
            break
        _require_agreement(site)
        if moment % 5 == 0:
            _turn(site, site.engine)
            _require_agreement(site)
            assert not any(path.exists() for path in (*study.originals, study.slices))
            assert not aside.exists()
    else:
        pytest.fail("the turn has no end")
    assert moment > 25, "the turn was not killed often enough to show anything"
    _turn(site, site.engine)
    _require_agreement(site)
    assert list(site.settings.spool_folder.rglob("*.dcm")) == []
    with query(site.engine) as session:
        assert session.scalars(select(FileRemoval.id)).all() == []
