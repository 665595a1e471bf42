"""Two nodes behind one address, each on a host of its own: a real balancer, PostgreSQL, a bucket.

Host `a` and host `b` have a node each, `c` the workers and the page.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import func, select

from database.session import query
from database.tables.study.analysis import Instance, Result
from tests.builders.dicom.study_folder import shuffled, small_phantom, study_uid
from tests.peers.dicom.dcmtk import Dcmtk
from tests.peers.dicom.orthanc import OrthancPeer
from tests.peers.firstreads.hosts import Hosts
from tests.peers.haproxy import running_balancer
from tests.peers.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(420)]

_PARTS = {
    "a": ("node",),
    "b": ("node",),
    "c": ("analysis", "delivery", "housekeeping", "beat", "worklist"),
}
_ASSOCIATIONS = 4


def _stored(hosts: Hosts) -> tuple[int, int]:
    """Rows of instances, and results, of all studies so far."""
    with query(hosts.engine) as session:
        instances = session.scalar(select(func.count()).select_from(Instance)) or 0
        results = session.scalar(select(func.count()).select_from(Result)) or 0
    return instances, results


@pytest.mark.parametrize("hosts", [_PARTS], indirect=True)
def test_a_study_comes_through_both_nodes_and_outlives_one_of_them(
    hosts: Hosts, orthanc: OrthancPeer, dcmtk: Dcmtk, tmp_path: Path
) -> None:
    """Four associations at once, each with a share and all with one instance in common; then one
    node is killed meanwhile, and whoever had an association with it sends again. 60 s."""
    first, second = tmp_path / "first", tmp_path / "second"
    small_phantom("axial_to_head", first, salt="first of the nodes")
    small_phantom("axial_to_head", second, salt="second of the nodes")
    nodes = {host: hosts.dicom_ports[host] for host in ("a", "b")}
    with running_balancer(tmp_path, nodes) as port:

        def send(files: list[Path]) -> bool:
            return dcmtk.storescu(files, port=port, called_ae_title="FIRSTREAD").ok

        files = shuffled(first, 1)
        shares = [[*files[number::_ASSOCIATIONS], files[0]] for number in range(_ASSOCIATIONS)]
        with ThreadPoolExecutor(_ASSOCIATIONS) as senders:
            assert all(senders.map(send, shares))
        hosts.wait_for(study_uid(first), "delivered")
        assert _stored(hosts) == (len(files), 1)
        for host in nodes:
            assert "association_released" in hosts.processes[host, "node"].log_tail(500)

        later = shuffled(second, 2)
        shares = [later[number::_ASSOCIATIONS] for number in range(_ASSOCIATIONS)]
        log = hosts.processes["b", "node"].log_path
        before = log.stat().st_size
        with ThreadPoolExecutor(_ASSOCIATIONS) as senders:
            sent = [senders.submit(send, share) for share in shares]
            wait_until(lambda: log.stat().st_size > before, what="an association with b")
            hosts.processes["b", "node"].kill()
        broken = [share for share, one in zip(shares, sent, strict=True) if not one.result()]
        assert broken
        for share in broken:
            assert send(share)
        hosts.wait_for(study_uid(second), "delivered")
        assert _stored(hosts) == (len(files) + len(later), 2)
    for folder in (first, second):
        assert {"SR", "SEG", "OT"} <= set(orthanc.series_by_modality(study_uid(folder)))
