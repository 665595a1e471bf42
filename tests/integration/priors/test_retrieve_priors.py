"""An earlier CT is fetched from a real PACS after the result, and the result then tells the change.

The urgent answer never waits for it: whatever the PACS does, the first result stands.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from database.session import query
from database.states import PriorRequestState
from database.tables.study.analysis import Study
from database.views.worklist.worklist_rows import rank_counts, state_counts
from phantom import Phantom
from radiology.urgency import Urgency
from tests.builders.chest.patient_seen_twice import EARLIER, LATER
from tests.builders.stored.listed import listed_rows
from tests.integration.priors.two_studies import compared_with, hospital, pacs_at, put
from tests.peers.dicom.orthanc import OrthancPeer

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]


def test_the_result_in_pacs_tells_the_change(
    archive: OrthancPeer, tmp_path: Path, then: Phantom, now: Phantom
) -> None:
    """First a result without, at once; then one with the change, which names the first."""
    put(archive, then, tmp_path / "earlier", EARLIER)
    with hospital(tmp_path, pacs_at(archive), now, then) as site:
        archive.know_peer("FIRSTREAD", port=site.node.port)
        site.work()
        assert compared_with(site) is None
        (first,) = archive.data_sets(Modality="SR")
        assert site.retrieve()
        assert site.request().state is PriorRequestState.RETRIEVED
        site.work()
        assert site.events() == [
            "priors_wanted", "priors_found", "priors_retrieved", "priors_compared",
        ]  # fmt: skip
        result = site.result()
        assert compared_with(site) == EARLIER.uid("study")
        assert result.urgency is Urgency.URGENT  # it grew by more than half in 36 hours
        reports = {str(one.SOPInstanceUID): one for one in archive.data_sets(Modality="SR")}
        second = reports.pop(next(uid for uid in reports if uid != first.SOPInstanceUID))
        assert list(reports) == [first.SOPInstanceUID]
        assert first.SOPInstanceUID in str(second.PredecessorDocumentsSequence)
        assert "Growth of lesions since the prior study" in str(second.ContentSequence)
        assert second.StudyInstanceUID == LATER.uid("study")
        with query(site.node.engine) as session:
            (row,) = listed_rows(session)
            assert row.study.study_instance_uid == LATER.uid("study")
            assert sum(rank_counts(session).values()) == sum(state_counts(session).values()) == 1
        assert not site.retrieve()  # once is enough
        site.work()
        assert len(archive.data_sets(Modality="SR")) == 2


def test_a_newer_one_in_pacs_takes_the_place_of_the_one_that_we_hold(
    archive: OrthancPeer, tmp_path: Path, then: Phantom, now: Phantom
) -> None:
    """What we held is compared with at once; then the latest, which only the PACS had."""
    oldest = replace(EARLIER, key="oldest", moment=EARLIER.moment - timedelta(days=9))
    put(archive, then, tmp_path / "earlier", EARLIER)
    with hospital(tmp_path, pacs_at(archive), now, then, held=oldest) as site:
        archive.know_peer("FIRSTREAD", port=site.node.port)
        site.work()
        assert compared_with(site) == oldest.uid("study")
        while site.retrieve():
            pass
        site.work()
        assert compared_with(site) == EARLIER.uid("study")
        assert site.result().study_version == 2


def test_another_patients_study_under_the_same_id_is_left_where_it_is(
    archive: OrthancPeer, tmp_path: Path, then: Phantom, now: Phantom
) -> None:
    """Birth date and sex are looked at before anything is fetched; the name never is."""
    for changed in ({"patient_birth_date": "19610204"}, {"patient_sex": "M"}):
        other = replace(EARLIER, key=str(changed), **changed)  # type: ignore[arg-type]
        put(archive, then, tmp_path / other.uid("study"), other)
    with hospital(tmp_path, pacs_at(archive), now, then) as site:
        archive.know_peer("FIRSTREAD", port=site.node.port)
        site.work()
        assert site.retrieve()
        assert site.request().state is PriorRequestState.NOTHING
        with query(site.node.engine) as session:
            assert len(session.scalars(select(Study)).all()) == 1
        site.work()
        assert site.result().study_version == 1
