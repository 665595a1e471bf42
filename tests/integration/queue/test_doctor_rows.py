"""The rows of a doctor's run and of its phantom, in the database of both sizes."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import select, update

from database.accounts.audit import Actor
from database.doctor.phantoms import left_phantoms, phantom_deliveries, phantom_jobs
from database.doctor.probe import commit_times
from database.doctor.runs import begin_run, end_run, last_run, note_run
from database.forget.named import to_forget
from database.session import Engine, query, transaction
from database.tables.study.analysis import Study
from settings.environment import Settings
from tests.builders.stored.kept_studies import START, KeptSite
from worker.forget.forget import forget

pytestmark = pytest.mark.integration

_LINES = ({"name": "disk", "said": {"words": "Grüße, 肺"}, "cure": None},)


def test_a_run_from_its_beginning_to_its_end(engine: Engine) -> None:
    """Its lines are kept as they are, and the last run that has ended stays beside the next one.
    0.2 s for each size.
    """
    with transaction(engine) as session:
        first = begin_run(session, START, asked_by="chief", machine="ct-ai")
        assert first is not None
        assert begin_run(session, START, asked_by="other", machine="ct-ai") is None
    assert commit_times(engine, first.run_id, START).median_s > 0
    steps = {"done": 1, "of": 2, "step": "Disk", "step_of": ""}
    with transaction(engine) as session:
        note_run(session, first.run_id, START, lines=_LINES, **steps)  # type: ignore[arg-type]
        end_run(session, first.run_id, START, lines=_LINES)
    with transaction(engine) as session:
        second = begin_run(session, START, asked_by="other", machine="ct-ai")
        assert second is not None
        assert second.ticket != first.ticket
    with query(engine) as session:
        ended, last = last_run(session, START, ended=True), last_run(session, START)
    assert ended is not None
    assert last is not None
    assert (ended.run_id, ended.lines) == (first.run_id, _LINES)
    assert (last.run_id, last.is_under_way) == (second.run_id, True)


def test_a_phantom_that_was_left_is_found_and_taken_away(engine: Engine, tmp_path: Path) -> None:
    """Not while its run goes on; and of the others nothing goes. 0.5 s for each size."""
    url = engine.url.render_as_string(hide_password=False)
    settings = Settings(data_folder=tmp_path, database_url=SecretStr(url), min_free_bytes=0)
    site = KeptSite(engine, settings)
    phantom, other = site.study(patient_id="TEST-FIRSTREAD-1"), site.study(patient_id="P1")
    with transaction(engine) as session:
        run = begin_run(session, START, asked_by="chief", machine="ct-ai")
        assert run is not None
        session.execute(
            update(Study)
            .where(Study.id == phantom.study_id)
            .values(asked_for=True, calling_ae_title=run.ticket)
        )
    later = START + timedelta(seconds=61)
    with query(engine) as session:
        assert left_phantoms(session, START) == ()
        assert left_phantoms(session, later) == (phantom.uid,)
        (job,) = phantom_jobs(session, phantom.uid)
        (delivery,) = phantom_deliveries(session, phantom.uid)
        what = to_forget(session, f"study:{phantom.uid}", issuer=None)
    assert (job.is_over, job.objects) == (True, 1)
    assert [one.is_stored for one in delivery.objects] == [True]

    gone = forget(
        settings,
        engine,
        lambda: later,
        what,
        Actor("firstread doctor", "administrator", "command line"),
        wait_s=1.0,
        thorough=False,
    )
    assert gone.is_proved
    with query(engine) as session:
        assert left_phantoms(session, later) == ()
        assert phantom_jobs(session, phantom.uid) == ()
        assert phantom_deliveries(session, phantom.uid) == ()
        assert session.scalars(select(Study.study_instance_uid)).all() == [other.uid]
    here = [
        path for path in (*phantom.originals, *phantom.results, phantom.slices) if path.exists()
    ]
    assert here == []
    assert all(path.exists() for path in (*other.originals, *other.results, other.slices))
