"""Retention, forgetting and backups of a site whose files are in a bucket of a real storage.

Whoever does it is another host than the one that wrote the files: its data folder is empty.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from database.accounts.audit import Actor
from database.forget.named import to_forget
from database.retention.disk import Room
from database.session import open_engine, query
from radiology.errors import NotRestored
from settings.environment import Settings
from storage.bucket_files import FOLDERS, BucketFiles
from storage.kept_files import kept_files
from tests.builders.marked_patient import PATIENT_ID
from tests.builders.stored.empty_database import make_tables
from tests.builders.stored.kept_studies import START, KeptSite
from tests.builders.stored.marked_site import write_marked_patient
from tests.peers.postgres import PostgresServer
from tests.peers.seaweedfs import ObjectServer
from worker.backup.make_backup import make_backup
from worker.backup.read_archive import ArchiveReader
from worker.backup.restore import restore
from worker.forget.forget import forget, would_forget
from worker.retention.orphans import sweep_orphans
from worker.retention.turn import retention_turn

pytestmark = pytest.mark.integration

_BUCKET = "kept-in-bucket"
_ACTOR = Actor("wu", "administrator", "")
_FULL = Room(free_bytes=0, total_bytes=10**12)


@pytest.fixture(scope="module")
def bucket(object_server: ObjectServer) -> str:
    return object_server.new_bucket(_BUCKET).bucket


@pytest.fixture
def site(
    bucket: str, object_server: ObjectServer, postgres_url: str, tmp_path: Path
) -> Iterator[KeptSite]:
    """A host that writes."""
    settings = Settings(
        data_folder=tmp_path / "first",
        database_url=SecretStr(postgres_url),
        object_storage=object_server.settings(bucket, prefix=uuid.uuid4().hex),
        min_free_bytes=0,
    )
    settings.data_folder.mkdir()
    engine = open_engine(postgres_url)
    make_tables(engine)
    yield KeptSite(engine, settings)
    engine.dispose()


def _elsewhere(site: KeptSite) -> Settings:
    """What was written is in the bucket; the settings of another host, which has nothing yet."""
    files = kept_files(site.settings)
    for name in FOLDERS:
        files.hand_over(site.settings.data_folder / name)
    shutil.rmtree(site.settings.data_folder)
    other = site.settings.model_copy(
        update={"data_folder": site.settings.data_folder.with_name("second")}
    )
    other.data_folder.mkdir()
    return other


def _objects(settings: Settings) -> set[str]:
    """Paths of what is kept, asked of the bucket itself."""
    files = kept_files(settings)
    assert isinstance(files, BucketFiles)
    return {
        str(files.place_of(name).relative_to(settings.data_folder))
        for name, _ in files.bucket.below(files.name_of(settings.spool_folder).rpartition("/")[0])
        if "/hosts/" not in name
    }


def test_what_is_old_goes_and_a_full_disk_takes_no_study(site: KeptSite) -> None:
    """By age the images go; the disk of a host that is full holds copies, and no study goes for
    it. 2 s.
    """
    kept = site.study()
    host = _elsewhere(site)
    before = _objects(host)
    retention_turn(host, site.engine, START + timedelta(days=1), measure=lambda _: _FULL, most_s=60)
    assert _objects(host) == before
    retention_turn(
        host, site.engine, START + timedelta(days=31), measure=lambda _: _FULL, most_s=60
    )
    gone = {str(one.relative_to(site.settings.data_folder)) for one in kept.originals}
    assert _objects(host) == before - gone


def test_an_object_without_a_row_is_an_orphan(site: KeptSite) -> None:
    """When it has been there for a day; what rows name stays. 2 s."""
    kept = site.study()
    for name in ("orphan.dcm", "picture.png"):
        orphan = site.settings.results_folder / kept.uid / name
        orphan.write_bytes(b"named by nobody")
    host = _elsewhere(site)
    before = _objects(host)
    assert sweep_orphans(host, site.engine, datetime.now(UTC) + timedelta(hours=23)) == 0
    assert sweep_orphans(host, site.engine, datetime.now(UTC)) == 0  # round, and begin again
    assert sweep_orphans(host, site.engine, datetime.now(UTC) + timedelta(hours=25)) == 2
    assert _objects(host) == before - {
        f"results/{kept.uid}/{name}" for name in ("orphan.dcm", "picture.png")
    }


def test_a_patient_is_forgotten_from_another_host(site: KeptSite) -> None:
    """What names the patient is found in objects that this host has never had. 3 s."""
    marked = write_marked_patient(site)
    host = _elsewhere(site)
    with query(site.engine) as session:
        what = to_forget(session, PATIENT_ID, issuer=None)
    would = would_forget(host, site.engine, what)
    assert would.quarantined
    assert would.uploads
    done = forget(host, site.engine, lambda: START, what, _ACTOR, wait_s=0.0, thorough=True)
    assert done.caches_left  # the first host has not swept: its disk is gone, which nobody knows
    assert not done.is_proved
    files = kept_files(host)
    assert isinstance(files, BucketFiles)
    for name in done.caches_left:
        files.bucket.remove(files.host_name(name))  # as docs/operations.md says
    with query(site.engine) as session:
        again = to_forget(session, PATIENT_ID, issuer=None)
    done = forget(host, site.engine, lambda: START, again, _ACTOR, wait_s=0.0, thorough=True)
    assert (done.files_left, done.caches_left, done.is_proved) == ((), (), True)
    left = _objects(host)
    assert left
    assert not any(marked.uid in one for one in left)
    for one in left:
        assert PATIENT_ID.encode() not in files.fetch(host.data_folder / one).read_bytes()


def test_a_backup_goes_into_another_bucket(
    site: KeptSite, postgres_server: PostgresServer, tmp_path: Path
) -> None:
    """Read from the bucket without copies, restored under another prefix. 4 s."""
    site.study()
    site.quarantine()
    host = _elsewhere(site)
    with (path := tmp_path / "whole.tar").open("wb") as file:
        made = make_backup(host, site.engine, lambda: START, file, tmp_path)
    assert not any((host.data_folder / name).exists() for name in FOLDERS)
    assert made.facts.missing == ()
    assert host.object_storage is not None
    storage = host.object_storage.model_copy(update={"prefix": uuid.uuid4().hex})
    url = postgres_server.new_database()
    target = Settings(
        data_folder=tmp_path / "third",
        database_url=SecretStr(url),
        object_storage=storage,
        min_free_bytes=0,
    )
    target.data_folder.mkdir()
    engine = open_engine(url)
    with ArchiveReader(path) as archive:
        restore(target, engine, lambda: START, archive, archive.check(), _ACTOR)
        assert _objects(target) == _objects(host)
        shutil.rmtree(target.spool_folder)
        files = kept_files(target)
        for one in _objects(target):
            there = kept_files(host).fetch(host.data_folder / one)
            assert files.fetch(target.data_folder / one).read_bytes() == there.read_bytes()
        shutil.rmtree(target.data_folder)
        target.data_folder.mkdir()
        url = SecretStr(postgres_server.new_database())
        empty = target.model_copy(update={"database_url": url})
        other = open_engine(empty.database_address)
        with pytest.raises(NotRestored, match="bucket is not empty"):
            restore(empty, other, lambda: START, archive, archive.check(), _ACTOR)
        other.dispose()
    engine.dispose()
