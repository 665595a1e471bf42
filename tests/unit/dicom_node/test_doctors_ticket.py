"""The title under which the doctor sends its phantom: good for its run, and for nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from database.doctor.phantoms import left_phantoms
from database.doctor.runs import RunFacts, begin_run, end_run
from database.doctor.ticket import is_ticket, new_ticket
from database.session import query, transaction
from database.tables.study.analysis import Study
from radiology.errors import PeerRefused
from tests.unit.dicom_node.running_node import RunningNode, running_node
from tests.unit.dicom_node.small_ct import small_ct, write


@pytest.fixture(params=[False, True], ids=["known peers", "any peer"])
def node(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RunningNode]:
    """Give a running node; also one that lets anybody in."""
    with running_node(tmp_path, accept_any_peer=request.param) as running:
        yield running


def _begin(node: RunningNode) -> RunFacts:
    with transaction(node.engine) as session:
        run = begin_run(session, datetime.now(UTC), asked_by="somebody", machine="ct-ai")
    assert run is not None
    return run


def test_the_doctor_is_let_in_while_it_runs(node: RunningNode, tmp_path: Path) -> None:
    """Its study is kept and is of the kind that nobody is shown; afterwards the title is worth
    nothing, and what it left behind is known."""
    run = _begin(node)
    node.verify(run.ticket)
    with query(node.engine) as session:
        assert left_phantoms(session, datetime.now(UTC)) == ()
    file = write(small_ct(), tmp_path / "scanner")
    (answer,) = node.send([file], calling=run.ticket)
    assert answer.error is None
    with query(node.engine) as session:
        study = session.scalars(select(Study)).one()
        assert study.asked_for
        assert left_phantoms(session, datetime.now(UTC)) == ()
    with transaction(node.engine) as session:
        end_run(session, run.run_id, datetime.now(UTC), lines=[])
    with pytest.raises(PeerRefused):
        node.verify(run.ticket)
    with query(node.engine) as session:
        assert left_phantoms(session, datetime.now(UTC)) == (study.study_instance_uid,)


def test_nobody_else_by_a_title_of_that_form(node: RunningNode) -> None:
    """Not even where anybody may send: its study would be hidden from everybody."""
    with pytest.raises(PeerRefused):
        node.verify(new_ticket())
    assert node.associations()[0].ending == "rejected"


def test_a_run_that_was_broken_off_lets_nobody_in(node: RunningNode) -> None:
    """One that has not been heard of for a minute."""
    with transaction(node.engine) as session:
        long_ago = datetime.now(UTC) - timedelta(seconds=61)
        run = begin_run(session, long_ago, asked_by="somebody", machine="ct-ai")
    assert run is not None
    with pytest.raises(PeerRefused):
        node.verify(run.ticket)


def test_tickets_are_told_from_other_titles() -> None:
    """No title of a peer looks like one by chance."""
    assert is_ticket(new_ticket())
    assert len(new_ticket()) == 16
    assert not any(is_ticket(one) for one in ("FIRSTREAD", "FR-DR-1", "fr-dr-abcdefghij", ""))
