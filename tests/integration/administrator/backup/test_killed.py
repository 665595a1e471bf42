"""Backup, restore and move are killed at any moment: nothing half passes for whole, and a second
call ends well."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

import database.backup.move
import worker.backup.restore
from database.accounts.audit import Actor
from database.backup.move import move
from database.schema import check_schema, upgrade_schema
from database.session import Engine, open_engine
from radiology.errors import FirstreadError, SettingsRefused
from tests.builders.stored.kept_studies import START, KeptSite, days, write
from tests.integration.administrator.backup.conftest import MakeSite
from tests.integration.administrator.backup.sites import KEY, Site
from worker.backup.archive import ArchiveFacts
from worker.backup.make_backup import make_backup
from worker.backup.read_archive import ArchiveReader
from worker.backup.restore import Restored, restore
from worker.backup.target_file import whole_file
from worker.backup.write_archive import ArchiveWriter

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

_SIZES = ("sqlite", "postgresql")
_KEYS = (KEY,)
_WU = Actor("wu", "administrator", "")
_MOST_MOMENTS = 400


def _filled(site: Site) -> Site:
    """A few studies are enough: each moment is a run."""
    site.settings.data_folder.mkdir()
    upgrade_schema(site.engine)
    kept = KeptSite(site.engine, site.settings, image_bytes=50, slices_bytes=50)
    for day in range(2):
        kept.study(START + days(day))
    kept.quarantine()
    write(site.settings.data_folder / KEY, b"k" * 32)
    return site


def _back_up(site: Site, path: Path) -> None:
    with whole_file(path) as file:
        make_backup(site.settings, site.engine, lambda: START, file, path.parent, keys=_KEYS)


def _restore(site: Site, archive: Path, engine: Engine) -> Restored:
    site.settings.data_folder.mkdir(exist_ok=True)
    with ArchiveReader(archive, keys=_KEYS) as reader:
        facts: ArchiveFacts = reader.check()
        return restore(site.settings, engine, lambda: START, reader, facts, _WU, keys=_KEYS)


def _killed_at(moment: int, url: str, work: Callable[[Engine, Callable[..., None]], None]) -> bool:
    """Do work in a process that kills itself when it passes by for the n-th time."""

    def child() -> None:
        engine, passed = open_engine(url), 0

        def pass_by(*_: object) -> None:
            nonlocal passed
            passed += 1
            if passed == moment:
                os.kill(os.getpid(), signal.SIGKILL)

        for name in ("begin", "commit", "rollback"):
            event.listen(engine, name, pass_by)
        work(engine, pass_by)

    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    process.join(120)
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode != 0


def _around(function: Callable[..., Any], pass_by: Callable[..., None]) -> Callable[..., Any]:
    def called(*given: Any, **named: Any) -> Any:
        pass_by()
        answer = function(*given, **named)
        pass_by()
        return answer

    return called


@pytest.mark.parametrize("database", _SIZES)
def test_a_killed_backup(database: str, make_empty: MakeSite, tmp_path: Path) -> None:
    """Around each other member and around the end: there is an archive that is whole, or none."""
    site = _filled(make_empty("old", database))
    site.engine.dispose()  # a fork must not share its connections
    folder = tmp_path / "kept"
    folder.mkdir()
    finished = 0
    for moment in range(1, _MOST_MOMENTS, 4):
        path = folder / f"{moment}.tar"

        def work(engine: Engine, pass_by: Callable[..., None], path: Path = path) -> None:
            ArchiveWriter.add = _around(ArchiveWriter.add, pass_by)  # type: ignore[method-assign]
            ArchiveWriter.end = _around(ArchiveWriter.end, pass_by)  # type: ignore[method-assign]
            Path.rename = _around(Path.rename, pass_by)  # type: ignore[method-assign]
            with whole_file(path) as file:
                make_backup(site.settings, engine, lambda: START, file, folder, keys=_KEYS)

        if not _killed_at(moment, site.url, work):
            break
        if path.exists():
            finished += 1
            with ArchiveReader(path, keys=_KEYS) as reader:
                assert reader.check().files == len(site.files())
            path.unlink()
    else:
        pytest.fail("the backup has no end")
    assert moment > 100, "it was not killed often enough to show anything"
    assert finished <= 1, "only the last moment is after the rename"
    assert [one.name for one in folder.iterdir()] == [path.name], "what was left is removed"


@pytest.mark.parametrize("database", _SIZES)
def test_a_killed_restore(database: str, make_empty: MakeSite, tmp_path: Path) -> None:
    """Half restored, nothing is served; the second call ends well, wherever the first did."""
    site = _filled(make_empty("old", "sqlite"))
    archive = tmp_path / "whole.tar"
    _back_up(site, archive)
    restored = make_empty("new", database)
    wanted = site.files()

    def work(engine: Engine, pass_by: Callable[..., None]) -> None:
        module = worker.backup.restore
        for name in ("_write", "write_rows", "begin_filling"):
            setattr(module, name, _around(getattr(module, name), pass_by))
        os.sync = _around(os.sync, pass_by)
        Path.unlink = _around(Path.unlink, pass_by)  # type: ignore[method-assign]
        Path.rename = _around(Path.rename, pass_by)  # type: ignore[method-assign]
        _restore(restored, archive, engine)

    unserved = 0
    for moment in range(1, _MOST_MOMENTS, 19):
        _clear(restored)
        if not _killed_at(moment, restored.url, work):
            break
        unserved += _refuses_to_serve(restored)
        _restore(restored, archive, restored.engine)
        assert restored.files() == wanted
        check_schema(restored.engine)
        assert restored.rows()["study"] == site.rows()["study"]
        assert not (restored.settings.data_folder / "restoring").exists()
        assert _restore(restored, archive, restored.engine).already
    else:
        pytest.fail("the restore has no end")
    assert unserved > 6, "it was not killed often enough to show anything"


def _refuses_to_serve(site: Site) -> bool:
    """Whether it says so; it may, where rows are whole, and must, where they are not."""
    if site.settings.database_url is None and not site.settings.sqlite_file.exists():
        return False
    try:
        check_schema(site.engine)
    except SettingsRefused as error:
        for start in (upgrade_schema, check_schema):
            if "restore into this database has not ended" in str(error):
                with pytest.raises(FirstreadError, match="restore"):
                    start(site.engine)
        return "restore" in str(error)
    assert len(site.rows()["study"]) == 2
    assert len(site.files()) > 10
    return False


def _clear(site: Site) -> None:
    """An empty database and an empty data folder."""
    import shutil

    from sqlalchemy import MetaData

    site.engine.dispose()
    if site.settings.data_folder.exists():
        shutil.rmtree(site.settings.data_folder)
    if site.settings.database_url is not None:
        everything = MetaData()
        everything.reflect(site.engine)
        everything.drop_all(site.engine)


def test_a_killed_move(make_empty: MakeSite) -> None:
    """Never are both databases served; the second call ends well, and rows come once."""
    target = make_empty("target", "postgresql")
    moment = 0
    for moment in range(1, _MOST_MOMENTS, 17):
        site = _filled(make_empty(f"old-{moment}", "sqlite"))
        before = site.rows()["result"]

        def work(engine: Engine, pass_by: Callable[..., None], site: Site = site) -> None:
            module = database.backup.move
            for name in ("write_rows", "begin_filling", "mark_schema", "seen_rows"):
                setattr(module, name, _around(getattr(module, name), pass_by))
            move(open_engine(site.url), engine, lambda: START, _WU)

        _clear(target)
        if not _killed_at(moment, target.url, work):
            break
        served = [_is_served(one) for one in (site, target)]
        assert served != [True, True]
        move(site.engine, target.engine, lambda: START, _WU)
        assert target.rows()["result"] == before
        assert [_is_served(one) for one in (site, target)] == [False, True]
    else:
        pytest.fail("the move has no end")
    assert moment > 50, "it was not killed often enough to show anything"


def _is_served(site: Site) -> bool:
    try:
        check_schema(site.engine)
    except SettingsRefused:
        return False
    return True
