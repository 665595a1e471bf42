"""A study whose images are gone, and of which images come again; files without rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from database.jobs.claimed import claim_job, instance_paths
from database.retention.disk import Room
from database.retention.removals import SPOOL, MarkedFile, mark
from database.session import query, transaction
from database.states import StudyState
from database.studies.assembly import Waits, assemble_study
from database.studies.instances import Arrival, Recorded, record_instance
from database.tables.operation.retention import FileRemoval
from database.tables.study.analysis import Event, Instance, Job, Result, Study
from radiology.errors import InstanceConflict, OriginalsRemoved
from settings.peers import RequestPriority
from tests.builders.stored.kept_studies import BUNDLE, START, KeptRows, KeptSite, days, write
from worker.retention.files import remove_marked
from worker.retention.orphans import sweep_orphans
from worker.retention.turn import retention_turn

_NOW = START + days(40)
_WAITS = Waits(high_s=600, routine_s=3600, low_s=14400)


def _arrival(site: KeptSite, study: KeptRows, image: int, *, sha256: str = "") -> Arrival:
    with query(site.engine) as session:
        row = session.scalars(
            select(Instance).where(Instance.sop_instance_uid == f"{study.uid}.1.{image}")
        ).one()
        return Arrival(
            study_instance_uid=study.uid,
            series_instance_uid=row.series_instance_uid,
            sop_instance_uid=row.sop_instance_uid,
            sop_class_uid=row.sop_class_uid,
            transfer_syntax_uid=row.transfer_syntax_uid,
            path=f"{study.uid}/{study.uid}.1/{row.sop_instance_uid}.dcm",
            sha256=sha256 or row.sha256,
            size_bytes=4,
            calling_ae_title="SCANNER",
            association_id=None,
            priority=RequestPriority.ROUTINE,
        )


def _comes(site: KeptSite, arrival: Arrival, at: datetime = _NOW) -> Recorded:
    """As the node does it: the row, then the file at its place, in one transaction."""
    with transaction(site.engine) as session:
        recorded = record_instance(session, arrival, at)
        if recorded is Recorded.NEW:
            write(site.settings.spool_folder / arrival.path, b"new!")
    return recorded


def _gone(site: KeptSite) -> KeptRows:
    study = site.study()
    retention_turn(
        site.settings, site.engine, _NOW, measure=lambda _: Room(10**12, 10**12), most_s=60
    )
    assert not any(path.exists() for path in study.originals)
    return study


def _assemble(site: KeptSite, study: KeptRows) -> tuple[int, ...]:
    with transaction(site.engine) as session:
        return assemble_study(session, study.study_id, bundles=(BUNDLE,), waits=_WAITS, now=_NOW)


def test_the_whole_study_again_is_a_new_version(site: KeptSite) -> None:
    """The same bytes are no duplicate: they are kept, and read as a version of its own."""
    study = _gone(site)
    assert [_comes(site, _arrival(site, study, image)) for image in (0, 1)] == [Recorded.NEW] * 2
    assert _comes(site, _arrival(site, study, 1)) is Recorded.DUPLICATE  # now it is here
    (job_id,) = _assemble(site, study)
    with transaction(site.engine) as session:
        claim = claim_job(session, worker="w", lease_s=10, now=_NOW)
        assert claim is not None
        assert (claim.job_id, claim.study_version) == (job_id, 2)
        assert len(instance_paths(session, claim)) == 2
        row = session.get_one(Study, study.study_id)
        assert (row.originals_removed_at, row.state) == (None, StudyState.QUEUED)
        names = session.scalars(select(Event.name).where(Event.study_id == study.study_id))
        assert "originals_came_again" in names.all()
    assert all(path.read_bytes() == b"new!" for path in study.originals)


def test_a_part_of_it_is_not_read_for_the_whole(site: KeptSite) -> None:
    """One late image of a study whose others are gone: the job says so, the answer stays."""
    study = _gone(site)
    assert _comes(site, _arrival(site, study, 0)) is Recorded.NEW
    _assemble(site, study)
    with transaction(site.engine) as session:
        claim = claim_job(session, worker="w", lease_s=10, now=_NOW)
        assert claim is not None
        with pytest.raises(OriginalsRemoved, match=r"removed=1, images=2"):
            instance_paths(session, claim)
        assert session.get_one(Result, study.result_id).superseded_by_id is None


def test_what_we_have_fetched_is_put_back_and_no_more(site: KeptSite) -> None:
    """An earlier study that we asked PACS for: the file is here again, no version, no delivery."""
    study = _gone(site)
    asked = replace(_arrival(site, study, 0), asked_for=True)
    assert _comes(site, asked) is Recorded.NEW
    with query(site.engine) as session:
        row = session.get_one(Study, study.study_id)
        assert (row.state, row.version, row.originals_removed_at) == (
            StudyState.DELIVERED,
            1,
            None,
        )
        assert len(session.scalars(select(Job.id)).all()) == 1
    with pytest.raises(InstanceConflict):
        _comes(site, replace(_arrival(site, study, 1, sha256="f" * 64), asked_for=True))


def test_another_object_under_its_uid_is_a_correction(site: KeptSite) -> None:
    """What it was cannot be looked at any more: what was read of it is not sent any more."""
    study = _gone(site)
    for image in (0, 1):
        assert _comes(site, _arrival(site, study, image, sha256=f"{image}" * 64)) is Recorded.NEW
    _assemble(site, study)
    with query(site.engine) as session:
        assert session.get_one(Study, study.study_id).corrected_version == 2


def test_what_arrives_at_a_marked_place_stays(site: KeptSite) -> None:
    """The mark goes with the arrival, whether the old file was removed before or not."""
    study = _gone(site)
    arrival = _arrival(site, study, 0)
    with transaction(site.engine) as session:
        mark(session, [MarkedFile(SPOOL, arrival.path, 4)], _NOW)
    assert _comes(site, arrival) is Recorded.NEW
    remove_marked(site.settings, site.engine, most_files=100)
    assert (site.settings.spool_folder / arrival.path).read_bytes() == b"new!"
    with query(site.engine) as session:
        assert session.scalars(select(FileRemoval.id)).all() == []


def test_files_that_no_row_names_go_after_a_day(
    site: KeptSite, capsys: pytest.CaptureFixture[str]
) -> None:
    """In spool, results and quarantine; an older copy of a corrected image stays with its study."""
    study = site.study()
    spool, results = site.settings.spool_folder, site.settings.results_folder
    first = study.originals[0]
    orphans = [
        write(spool / "2.25.99/2.25.99.1/2.25.99.1.1.dcm", b"o"),
        write(spool / study.uid / "x" / "2.25.98.dcm", b"o"),
        write(results / study.uid / "2.25.97.dcm", b"o"),
        write(results / study.uid / "2.25.97.png.part", b"o"),
        write(site.settings.quarantine_folder / "2026-01-01" / "ab.dcm", b"o"),
    ]
    kept = [
        *study.originals,
        *study.results,
        study.slices,
        write(first.with_suffix(".0123456789abcdef.dcm"), b"copy"),
    ]
    now = datetime.fromtimestamp(first.stat().st_mtime, tz=START.tzinfo)
    _sweep_all(site, now + days(0.9))
    assert all(path.exists() for path in orphans)
    _sweep_all(site, now + days(1.1))
    assert [path for path in orphans if path.exists()] == []
    assert [path for path in kept if not path.exists()] == []
    study.originals[1].unlink()
    _sweep_all(site, now + days(1.1))
    logged = capsys.readouterr()  # where to depends on whether a command has set it up before
    assert "files_missing" in logged.out + logged.err


def _sweep_all(site: KeptSite, now: datetime) -> None:
    for _ in range(4):
        sweep_orphans(site.settings, site.engine, now, folders=2)


def test_nothing_outside_its_folder_is_removed(site: KeptSite, tmp_path: Path) -> None:
    """A path of a row that leads elsewhere is refused, however it came there."""
    outside = write(tmp_path / "outside.dcm", b"mine")
    for path in ("../../outside.dcm", str(outside), "../outside.dcm"):
        with transaction(site.engine) as session:
            mark(session, [MarkedFile(SPOOL, path, 1)], _NOW)
    remove_marked(site.settings, site.engine, most_files=100)
    assert outside.read_bytes() == b"mine"
