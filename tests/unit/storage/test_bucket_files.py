"""Files in a bucket of a real object storage, with copies in two data folders."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

import pytest

from radiology.errors import ObjectStorageUnavailable, SpoolFull
from storage.bucket_files import BucketFiles
from storage.cache import sweep_copies, trim_copies
from storage.cache_keeper import sweep_here, swept_everywhere
from tests.peers.ports import free_port
from tests.peers.seaweedfs import ObjectServer

_BUCKET = "files-of-tests"
_DAY_S = 24 * 3600.0


class Hosts:
    """Two data folders and the bucket behind them; the prefix is one test's own."""

    def __init__(self, server: ObjectServer, folder: Path) -> None:
        self.server = server
        self.storage = server.settings(_BUCKET, prefix=uuid.uuid4().hex)
        self.here = BucketFiles(self.storage, folder / "here")
        self.there = BucketFiles(self.storage, folder / "there")
        for one in (self.here, self.there):
            one.folder.mkdir()

    def keep(self, path: str, content: bytes = b"content") -> Path:
        """Make a file and keep it, as StagedFiles does."""
        place = self.here.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        beside = place.with_name(f"{place.name}.part")
        beside.write_bytes(content)
        self.here.keep([(beside, place)])
        beside.replace(place)
        return place

    def names(self) -> set[str]:
        """What the bucket has under the prefix, without what hosts say of themselves."""
        prefix = f"{self.storage.prefix}/"
        names = {one.removeprefix(prefix) for one in self.server.names(_BUCKET) if prefix in one}
        return {one for one in names if not one.startswith("hosts/")}


@pytest.fixture(scope="session")
def _bucket(object_server: ObjectServer) -> None:
    object_server.new_bucket(_BUCKET)


@pytest.fixture
def hosts(_bucket: None, object_server: ObjectServer, tmp_path: Path) -> Hosts:
    return Hosts(object_server, tmp_path)


def test_what_one_host_keeps_another_one_reads(hosts: Hosts) -> None:
    hosts.keep("results/1.2/a.dcm", b"first")
    hosts.keep("results/1.2/b.dcm", b"second")
    folder = hosts.there.folder / "results"
    assert hosts.there.fetch(folder / "1.2" / "a.dcm").read_bytes() == b"first"
    places = [folder / "1.2" / name for name in ("a.dcm", "b.dcm", "none.dcm")]
    assert [one.exists() for one in hosts.there.fetch_all(places)] == [True, True, False]
    assert sorted(one.path for one in hosts.there.below(folder, "1.2")) == [
        "1.2/a.dcm",
        "1.2/b.dcm",
    ]
    assert list(hosts.there.names(folder)) == ["1.2"]
    assert hosts.there.size(places[1]) == len(b"second")
    assert hosts.there.size(places[2]) is None
    with hosts.there.reading(places[0]) as opened:
        assert (opened.size_bytes, opened.stream.read()) == (5, b"first")
    with pytest.raises(FileNotFoundError), hosts.there.reading(places[2]):
        pass


def test_nothing_outside_of_what_is_kept_goes_into_the_bucket(hosts: Hosts) -> None:
    """The key of the feedback export, the broker's messages, and a name that leads out."""
    for path in ("feedback-export.key", "broker/1.msg", "spool/../../secret"):
        place = hosts.here.folder / path
        assert hosts.here.name_of(place) is None
        with pytest.raises(ValueError, match="not a place"):
            hosts.here.keep([(place, place)])
    assert hosts.here.fetch(hosts.here.folder / "spool" / ".." / "x").name == "x"
    assert hosts.names() == set()


def test_a_whole_upload_goes_from_one_host_to_another(hosts: Hosts) -> None:
    received = hosts.here.folder / "uploads" / "token" / "received"
    received.mkdir(parents=True)
    for name in ("1", "2"):
        (received / name).write_bytes(name.encode())
    hosts.here.hand_over(received)
    other = hosts.there.folder / "uploads" / "token" / "received"
    hosts.there.fetch_below(other)
    assert {one.name: one.read_bytes() for one in other.iterdir()} == {"1": b"1", "2": b"2"}
    hosts.there.remove_below(other)
    assert not other.exists()
    assert hosts.names() == set()
    # What was unpacked beside it goes with the next sweep of the host that had it
    (received.parent / "unpacked").mkdir()
    (received.parent / "unpacked" / "3").write_bytes(b"3")
    sweep_copies(hosts.here)
    assert not received.parent.exists()


def test_copies_go_with_their_objects_and_nothing_else_does(hosts: Hosts) -> None:
    """Copies that are gone or replaced; a file that is being made, and one that was left behind."""
    gone, replaced, stays = (hosts.keep(f"spool/1.2/1.2.3/{n}.dcm") for n in "abc")
    for place in (gone, replaced, stays):
        hosts.there.fetch(hosts.there.folder / place.relative_to(hosts.here.folder))
    made, left = (gone.with_name(name) for name in ("made.part", "left.part"))
    made.write_bytes(b"being made")
    left.write_bytes(b"left by a process that died")
    os.utime(left, (0, left.stat().st_mtime - _DAY_S - 1))
    hosts.there.remove(hosts.there.folder / gone.relative_to(hosts.here.folder))
    other = hosts.there.folder / "other"
    other.write_bytes(b"CONTENT")  # of the same size
    hosts.there.keep([(other, hosts.there.folder / replaced.relative_to(hosts.here.folder))])
    assert sweep_copies(hosts.here) == 3
    assert {one.name for one in gone.parent.iterdir()} == {"c.dcm", "made.part"}
    assert hosts.here.fetch(replaced).read_bytes() == b"CONTENT"


def test_lack_of_room_takes_copies_and_no_object(hosts: Hosts) -> None:
    """Those that were used longest ago; what was used within the hour stays."""
    old, older, used = (hosts.keep(f"spool/{n}/{n}.1/{n}.dcm", bytes(100)) for n in "123")
    for place, hours in ((old, 2), (older, 3)):
        state = place.stat()
        os.utime(place, (state.st_atime - hours * 3600, state.st_mtime))
    assert trim_copies(hosts.here, 0) == 0
    assert trim_copies(hosts.here, 1) == 100
    assert [one.exists() for one in (old, older, used)] == [True, False, True]
    assert not older.parent.parent.exists()
    assert trim_copies(hosts.here, 10**9) == 100
    assert len(hosts.names()) == 3
    assert hosts.here.fetch(older).read_bytes() == bytes(100)


def test_whoever_forgets_knows_which_hosts_may_hold_copies(hosts: Hosts) -> None:
    """A host that does not answer is named, until it has swept."""
    place = hosts.keep("spool/1/1.1/1.dcm")
    copy = hosts.there.fetch(hosts.there.folder / "spool" / "1" / "1.1" / "1.dcm")
    hosts.here.remove(place)
    assert swept_everywhere(hosts.here, 0.0) == (hosts.there.this_host(),)
    asked = hosts.there.bucket.facts(hosts.there.host_name(".sweep"))
    assert asked is not None
    assert copy.exists()
    sweep_here(hosts.there, asked.etag)
    assert not copy.exists()
    sweep_here(hosts.there, "")  # it has not seen this request
    assert swept_everywhere(hosts.here, 0.0) == (hosts.there.this_host(),)


def test_a_bucket_that_keeps_versions_forgets_all_of_them(
    object_server: ObjectServer, tmp_path: Path
) -> None:
    storage = object_server.new_bucket("with-versions", versions=True)
    files = BucketFiles(storage, tmp_path)
    place = tmp_path / "results" / "1.2" / "a.dcm"
    place.parent.mkdir(parents=True)
    for content in (b"first", b"second"):
        place.unlink(missing_ok=True)
        place.write_bytes(content)
        files.keep([(place, place)])
    beside = place.with_name("a.dcm.more")  # whose name begins alike
    beside.write_bytes(b"stays")
    files.keep([(beside, beside)])
    before = object_server.versions("with-versions")
    files.remove(place)
    assert object_server.versions("with-versions") == before - 2
    assert files.size(beside) == 5
    assert files.bucket.keeps_versions() is True


def test_a_storage_that_is_away_loses_nothing(hosts: Hosts, tmp_path: Path) -> None:
    """Nobody listens at the port: it is to be asked again, and what is here is read."""
    place = hosts.keep("spool/1/1.1/1.dcm")
    away = hosts.storage.model_copy(update={"endpoint": f"http://127.0.0.1:{free_port()}"})
    files = BucketFiles(away, hosts.here.folder)
    assert files.fetch(place).read_bytes() == b"content"
    new = place.with_name("2.dcm")
    new.write_bytes(b"new")
    with pytest.raises(ObjectStorageUnavailable, match="does not answer"):
        files.keep([(new, new)])
    assert new.read_bytes() == b"new"
    with pytest.raises(ObjectStorageUnavailable):
        files.fetch(place.with_name("3.dcm"))
    with pytest.raises(ObjectStorageUnavailable):
        files.remove(place)
    assert place.exists()


def test_a_wrong_key_is_said_by_its_code(hosts: Hosts) -> None:
    wrong = hosts.storage.model_copy(update={"access_key": "nobody"})
    files = BucketFiles(wrong, hosts.here.folder)
    with pytest.raises(ObjectStorageUnavailable, match="code=InvalidAccessKeyId"):
        list(files.names(hosts.here.folder / "spool"))


def test_no_room_for_a_copy_is_said(hosts: Hosts) -> None:
    """A file in the place of the folder stands in for a disk that takes no more."""
    hosts.keep("results/1/a.dcm")
    (hosts.there.folder / "results").write_bytes(b"")
    with pytest.raises(SpoolFull, match="cannot be copied here"):
        hosts.there.fetch_all([hosts.there.folder / "results" / "1" / "a.dcm"])
