"""One study with a head and a chest, two released bundles, both sizes: two results, one line.

What is superseded, withdrawn or sent again of one bundle and not of the other is shown on rows in
tests/integration/queue/test_several_bundles.py.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from pydicom import Dataset
from sqlalchemy import select

from database.session import query
from database.states import JobState
from database.tables.readers.flag import Flag
from database.tables.study.analysis import Job, Result, Study
from phantom import EXTENSIVE_LESIONS, make_phantom, phantom_grid
from phantom.head import Bleeding, BleedingLabel, head_grid, make_head_phantom
from phantom.head.study import write_head_study
from phantom.identity import StudyIdentity
from phantom.study import write_phantom_study
from radiology.urgency import Urgency
from tests.peers.dicom.dcmtk import Dcmtk
from tests.peers.dicom.orthanc import start_orthanc
from tests.peers.firstreads.firstread import RunningFirstread, running_firstread
from tests.peers.firstreads.hospital import native_command
from tests.peers.firstreads.servers import servers_of
from tests.peers.flag_receivers import running_web_receiver
from tests.peers.waiting import wait_until

# Two readings by networks, one of them twice, where others use the machine.
pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

CHEST, HEAD = "chest-ct-pneumonia", "head-ct-haemorrhage"
_ENDED = {CHEST: JobState.DELIVERED, HEAD: JobState.ENCODED}  # the head goes to the page alone
_LIMIT_S = 250.0


@pytest.fixture(params=["embedded", "hospital"])
def firstread(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningFirstread]:
    """Firstread of both sizes in turn, with both bundles and a pager."""
    folder = tmp_path_factory.mktemp(request.param)
    with ExitStack() as stack:
        pacs = start_orthanc(tmp_path_factory.mktemp("orthanc"))
        stack.enter_context(pacs.process)
        pager = stack.enter_context(running_web_receiver())
        yield stack.enter_context(
            running_firstread(
                request.param,
                folder,
                pacs=pacs,
                dcmtk=Dcmtk(work_folder=folder / "dcmtk"),
                servers=servers_of(request, stack),
                variables={
                    "BUNDLES": json.dumps([CHEST, HEAD]),
                    "FLAGS": json.dumps([{"kind": "webhook", "name": "pager", "url": pager.url}]),
                    "LEASE_S": "6",
                },
            )
        )


def _write_study(folder: Path) -> str:
    """A study of one patient: a chest with many lesions, and a head with a bleeding."""
    chest = make_phantom(
        grid=phantom_grid((66, 96, 96), (5.0, 4.0, 4.0)), lesions=EXTENSIVE_LESIONS
    )
    head = make_head_phantom(
        grid=head_grid((30, 256, 256), (5.0, 0.9, 0.9)),
        bleedings=[Bleeding(BleedingLabel.INTRAPARENCHYMAL, 60.0, attenuation_hu=72.0)],
    )
    identity = StudyIdentity.of(chest, salt="head and chest")
    write_phantom_study(chest, folder / "chest", identity=identity)
    write_head_study(head, folder / "head", identity=identity)
    return identity.uid("study")


def _jobs(firstread: RunningFirstread) -> dict[str, JobState]:
    with query(firstread.engine) as session:
        return {job.bundle: job.state for job in session.scalars(select(Job))}


def _results(firstread: RunningFirstread) -> dict[str, Result]:
    """The results in force, by bundle, with what the assertions ask of them."""
    with query(firstread.engine) as session:
        found = session.scalars(
            select(Result).where(Result.superseded_by_id.is_(None), Result.withdrawn_at.is_(None))
        ).all()
        for one in found:
            assert one.job.decisions
            assert one.objects
        assert len({one.bundle for one in found}) == len(found)
        return {one.bundle: one for one in found}


def _flag(firstread: RunningFirstread) -> tuple[str, Urgency]:
    """The bundle that the study's one flag speaks of, and how urgent it is."""
    with query(firstread.engine) as session:
        flag = session.scalars(select(Flag)).one()
        bundle = session.scalars(select(Result.bundle).where(Result.id == flag.result_id)).one()
        return bundle, flag.urgency


def _lines(firstread: RunningFirstread, uid: str) -> int:
    """How many lines of the worklist lead to the study."""
    page = httpx.get(firstread.size.worklist_url, timeout=30).text
    return len(re.findall(rf"<tr[^>]*>(?:(?!</tr>).)*?/studies/{re.escape(uid)}", page, re.DOTALL))


def _in_pacs(firstread: RunningFirstread, uid: str) -> dict[str, Dataset]:
    """What PACS holds of the study beside its images, by SOP Instance UID."""
    return {
        str(one.SOPInstanceUID): one
        for objects in firstread.results(uid).values()
        for one in objects
    }


def test_a_head_and_a_chest(firstread: RunningFirstread, tmp_path: Path) -> None:
    """Each bundle reads its own series once, though the worker is killed between the two."""
    uid = _write_study(tmp_path)
    firstread.send(sorted(tmp_path.glob("*/*.dcm")))
    read = (JobState.ENCODED, JobState.DELIVERED)
    wait_until(
        lambda: firstread.job_count(*read) >= 1, what="the answer of one bundle", limit_s=_LIMIT_S
    )
    firstread.signal_analysis(signal.SIGKILL)
    firstread.revive_analysis()
    try:
        wait_until(lambda: _jobs(firstread) == _ENDED, what="the answers of both", limit_s=_LIMIT_S)
    except AssertionError as error:
        raise AssertionError(f"{error}\n{_jobs(firstread)}\n{firstread.logs()}") from error

    results = _results(firstread)
    assert set(results) == {CHEST, HEAD}
    chosen = {
        name: {item.series_instance_uid for item in one.job.decisions if item.chosen}
        for name, one in results.items()
    }
    assert len(chosen[CHEST]) == len(chosen[HEAD]) == 1
    assert not chosen[CHEST] & chosen[HEAD]
    assert set(_in_pacs(firstread, uid)) == {one.sop_instance_uid for one in results[CHEST].objects}
    assert _lines(firstread, uid) == 1
    assert results[HEAD].urgency is Urgency.URGENT
    assert _flag(firstread)[1] is Urgency.URGENT

    _withdraw(firstread, uid, HEAD)
    left = _results(firstread)
    assert set(left) == {CHEST}
    assert left[CHEST].id == results[CHEST].id
    assert _jobs(firstread)[CHEST] is JobState.DELIVERED
    assert set(_in_pacs(firstread, uid)) == {one.sop_instance_uid for one in left[CHEST].objects}
    assert _lines(firstread, uid) == 1
    if left[CHEST].urgency is Urgency.URGENT:
        wait_until(
            lambda: _flag(firstread) == (CHEST, Urgency.URGENT), what="the flag of the chest"
        )
    with query(firstread.engine) as session:
        assert len(session.scalars(select(Study)).all()) == 1


def _withdraw(firstread: RunningFirstread, uid: str, bundle: str) -> None:
    command = ("firstread", "results", "withdraw", uid, "--reason", "quality", "--bundle", bundle)
    subprocess.run(
        native_command(command),
        env={**os.environ, **firstread.size.environment},
        capture_output=True,
        text=True,
        check=True,
    )
