"""Things broken on purpose: the doctor names each, and says what to do about it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import update

from database.session import transaction
from database.states import StudyState
from database.tables.study.analysis import Study
from firstread.checks.check import Health
from radiology.language import Language
from tests.builders.stored.rows import queue_job
from tests.peers.flag_receivers import running_web_receiver
from tests.peers.hl7_listener import hl7_listener
from tests.peers.programs import absent
from tests.unit.firstread.doctor.breakages import (
    BROKEN,
    TO_LOOK_AT,
    Break,
    bundle_damaged,
    database_down,
    port_silent,
    with_certificate,
)
from tests.unit.firstread.doctor.healthy_site import HealthySite, only
from worker.encode.picture import lettering


def test_a_site_in_which_everything_is_well_is_fine(well: HealthySite) -> None:
    """No line but fine ones, from every check that needs no running part."""
    names = (
        "settings", "disk", "room", "object-storage", "database", "broker", "clocks", "parts",
        "waiting", "ports", "certificates", "fonts", "bundle", "peer", "flag",
    )  # fmt: skip
    lines = well.says(*names)
    assert [one for one in lines if one.health is not Health.FINE] == []
    assert {one.name.partition(".")[0] for one in lines} == set(names) - {"flag"}


def test_the_line_about_the_disk_says_what_happens_at_each_mark(well: HealthySite) -> None:
    """Two figures alone tell nobody whether to be worried."""
    (room,) = (one for one in well.says("room") if one.name == "room.bytes")
    assert room.health is Health.FINE
    assert "GB the oldest images go, below 0.0 GB studies are refused" in str(room.said)


@pytest.mark.parametrize(
    ("build", "name", "said", "cure", "health"),
    [(*one, Health.BROKEN) for one in BROKEN] + [(*one, Health.WARNING) for one in TO_LOOK_AT],
    ids=lambda value: value.__name__ if callable(value) else None,
)
def test_it_is_named_with_its_cure(
    well: HealthySite, build: Break, name: str, said: str, cure: str, health: Health
) -> None:
    """One thing is broken; the line of it says what it is and what to do."""
    with ExitStack() as stack:
        line = only(build(well, stack).says(name.partition(".")[0]), name)
    assert line.health is health
    assert said in str(line.said)
    assert line.cure is not None
    assert cure in str(line.cure)
    assert "%(" not in f"{line.said} {line.cure}"
    assert "secret@" not in str(line.said), "a password of an address is not shown"


def test_refused_studies_are_told_and_are_fine(well: HealthySite) -> None:
    """What got no answer as it came is counted, with the command that says why."""
    queue_job(well.site.engine, study=1)
    with transaction(well.site.engine) as session:
        now = datetime.now(UTC)
        session.execute(update(Study).values(state=StudyState.REFUSED, received_at=now))
    (line,) = well.says("waiting")
    assert (line.name, line.health) == ("waiting.studies_refused", Health.FINE)
    assert "in the last 7 days: 1; 'firstread jobs --failed' says why" in str(line.said)


def test_a_damaged_bundle(well: HealthySite) -> None:
    """The version is named that is damaged, and that nothing is left to read with."""
    with ExitStack() as stack:
        lines = bundle_damaged(well, stack).says("bundle")
    assert only(lines, "bundle.damaged").of == "chest-ct-pneumonia/2.0.0"
    assert only(lines, "bundle.whole").health is Health.BROKEN


def test_a_certificate_that_is_gone(well: HealthySite) -> None:
    """The file is named, once for its reading and once for what cannot be spoken without it."""
    with ExitStack() as stack:
        build = with_certificate(timedelta(days=90), gone=True)
        lines = build(well, stack).says("certificates")
    line = only(lines, "certificates")
    assert line.of == "dicom_tls.certificate_file"
    assert "No such file" in str(line.said)


def test_ports_that_nobody_listens_on(well: HealthySite) -> None:
    """Firstread runs here, and no port of it answers: each is named with its setting."""
    with ExitStack() as stack:
        lines = port_silent(well, stack).says("ports")
    assert {one.of for one in lines if one.health is Health.BROKEN} == {
        "dicom_port",
        "worklist_port",
    }


def test_a_font_that_is_gone(well: HealthySite, monkeypatch: pytest.MonkeyPatch) -> None:
    """Broken where pictures are lettered in it, otherwise only to look at."""
    monkeypatch.setattr(lettering, "CHINESE_FONT", well.folder / "gone.ttf")
    lettering.font.cache_clear()
    try:
        assert only(well.says("fonts"), "fonts").health is Health.WARNING
        chinese = well.with_settings(language=Language.CHINESE)
        line = only(chinese.says("fonts"), "fonts")
    finally:
        lettering.font.cache_clear()
    assert line.health is Health.BROKEN
    assert "Install Firstread again" in str(line.cure)


def test_his_is_told_of_a_test(well: HealthySite) -> None:
    """HL7 Processing ID T: a receiver in production can tell it from a study (MSH-11)."""
    with hl7_listener() as his:
        lines = well.with_channel(kind="hl7", host="127.0.0.1", port=his.port).says("flag")
        assert [one.health for one in lines] == [Health.FINE]
        assert [str(one.segment("MSH")(11)) for one in his.messages] == ["T", "T"]


def test_receivers_are_left_alone_where_that_is_asked_for(well: HealthySite) -> None:
    """--no-tell-flags."""
    with running_web_receiver() as receiver:
        site = well.with_channel(kind="webhook", url=receiver.url).with_site(tell_flags=False)
        assert site.says("flag") == []
        assert receiver.received == []


def test_what_needs_the_database_is_not_checked_without_it(well: HealthySite) -> None:
    """And it is said so, with what to mend first; what needs it not goes on."""
    with ExitStack() as stack:
        lines = database_down(well, stack).says("database", "parts", "waiting", "broker", "clocks")
    not_checked = [one for one in lines if one.name.endswith(".not-checked")]
    assert [str(one.said) for one in not_checked] == [
        "Parts of Firstread: not checked, because of: Database",
        "What waits: not checked, because of: Database",
    ]
    others = {one.name: one.health for one in lines if one.name in ("broker", "clocks")}
    assert others == {"broker": Health.FINE, "clocks": Health.FINE}


@pytest.fixture
def small_disk(well: HealthySite) -> Iterator[SimpleNamespace]:
    """Give the site with its data folder on a disk of two megabytes, and a way to remount it."""
    folder = well.folder / "disk"
    folder.mkdir()

    def mount(*words: str) -> bool:
        if shutil.which("mount") is None:
            return False
        return subprocess.run(["mount", *words], capture_output=True).returncode == 0

    if not mount("-t", "tmpfs", "-o", "size=2m,mode=0700", "tmpfs", str(folder)):
        pytest.skip("no right to mount a disk here")
    try:
        yield SimpleNamespace(
            site=well.with_settings(data_folder=folder),
            folder=folder,
            read_only=lambda: mount("-o", "remount,ro", str(folder)) or absent("remount"),
        )
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_is_full(small_disk: SimpleNamespace) -> None:
    """Its speed is not measured; that it is full is said, and how room is made."""
    (small_disk.folder / "filled").write_bytes(bytes(2 * 1024 * 1024 - 8192))
    line = only(small_disk.site.says("disk"), "disk.speed")
    assert "The disk is full" in str(line.said)
    assert "retention --now" in str(line.cure)


def test_a_disk_that_is_read_only(small_disk: SimpleNamespace) -> None:
    """That is said, and where its fault stands."""
    small_disk.read_only()
    line = only(small_disk.site.says("disk"), "disk.writable")
    assert "Read-only file system" in str(line.said)
    assert "dmesg" in str(line.cure)
