"""Predictive values of a hospital's feedback: each study once, its newest judged result."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from database.feedback.given import Period, give_feedback
from database.session import open_engine, query, transaction
from database.tables.study.analysis import Result, Study
from firstread.__main__ import app
from radiology.feedback import Fault, Judgement, Opinion
from radiology.urgency import Urgency
from settings.peers import RequestPriority
from tests.builders.stored.empty_database import make_tables
from tests.unit.worklist.list.ordinary_day import CLEAR, MODERATE, SEVERE, OrdinaryDay
from tests.unit.worklist.seeding import SeededHospital
from worklist.feedback.figures import feedback_figures

_AGREE = Opinion(Judgement.AGREE, comment="Doe, known")
_FALSE_ALARM = Opinion(Judgement.DISAGREE, frozenset({Fault.FALSE_POSITIVE}), "scar")
_MISSED = Opinion(Judgement.DISAGREE, frozenset({Fault.MISSED}))
_ELSEWHERE = Opinion(Judgement.DISAGREE, frozenset({Fault.WRONG_REGION}))


def _judge(hospital: SeededHospital, uid: str, opinion: Opinion, *, reader: str = "reader") -> None:
    hospital.later(1)
    with transaction(hospital.engine) as session:
        result = (
            session.query(Result)
            .join(Study, Study.id == Result.study_id)
            .filter(Study.study_instance_uid == uid, Result.superseded_by_id.is_(None))
            .one()
        )
        give_feedback(session, result.id, opinion, reader=reader, now=hospital.now)


def test_what_was_judged_and_what_was_not(
    ordinary_day: OrdinaryDay, hospital: SeededHospital
) -> None:
    """A wrong region leaves the call right; what nobody judged is counted beside."""
    _judge(hospital, ordinary_day.urgent, _ELSEWHERE)
    _judge(hospital, ordinary_day.suspected, _FALSE_ALARM)
    _judge(hospital, ordinary_day.routine, _MISSED)
    with query(hospital.engine) as session:
        found = feedback_figures(session, None)
        cells = found.total.confusion
        assert (cells.true_positives, cells.false_positives) == (1, 1)
        assert (cells.false_negatives, cells.true_negatives) == (1, 0)
        assert found.total.ppv.value == 0.5
        assert found.total.not_judged_called == 2  # another urgent one, and the superseding one
        assert found.total.not_judged_not_called == 1
        assert list(found.by_scanner) == ["CT1"]
        assert list(found.by_version) == ["chest-ct-pneumonia/1.0.0"]
        later = Period(hospital.now, hospital.now + timedelta(days=1))
        assert feedback_figures(session, later).total.confusion.count == 0
        assert feedback_figures(session, None, scanner="CT9").total.confusion.count == 0


def test_each_study_counts_once(ordinary_day: OrdinaryDay, hospital: SeededHospital) -> None:
    """The last of two readers counts, and that they differ is told; so does the newest version."""
    _judge(hospital, ordinary_day.urgent, _AGREE, reader="one")
    _judge(hospital, ordinary_day.urgent, _FALSE_ALARM, reader="two")
    with query(hospital.engine) as session:
        found = feedback_figures(session, None)
    assert (found.total.confusion.false_positives, found.total.confusion.count) == (1, 1)
    assert found.in_dispute == 1
    uid, claim = hospital.claimed(priority=RequestPriority.STAT)
    hospital.answer(claim, Urgency.ROUTINE, CLEAR)
    _judge(hospital, uid, _AGREE)
    hospital.receive(into=uid)
    hospital.queue(uid)
    hospital.answer(hospital.claim(), Urgency.SUSPECTED, MODERATE)
    _judge(hospital, uid, _FALSE_ALARM)
    with query(hospital.engine) as session:
        found = feedback_figures(session, None)
    assert (found.total.confusion.false_positives, found.total.confusion.count) == (2, 2)


def test_the_command_line_says_the_same(
    hospital: SeededHospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    """List and figures as JSON; a comment stands in neither."""
    folder = hospital.results_folder.parent / "migrated"
    folder.mkdir()
    engine = open_engine(f"sqlite:///{folder / 'firstread.sqlite'}")
    make_tables(engine)
    site = SeededHospital(engine, folder)
    uid, claim = site.claimed()
    site.answer(claim, Urgency.URGENT, SEVERE)
    _judge(site, uid, _FALSE_ALARM)
    monkeypatch.setenv("FIRSTREAD_DATA_FOLDER", str(folder))
    listed = CliRunner().invoke(app, ["feedback", "list", "--json", "--disagreements"])
    assert listed.exit_code == 0, listed.output
    (line,) = json.loads(listed.stdout)["feedback"]
    assert (line["study_instance_uid"], line["faults"]) == (uid, ["false-positive"])
    assert "scar" not in listed.output
    table = CliRunner().invoke(app, ["feedback", "list"])
    (row,) = [line for line in table.stdout.splitlines() if "disagree" in line]
    given_at = datetime.fromisoformat(line["given_at"]).astimezone(UTC)
    for whole in (uid, line["bundle"], f"{given_at:%Y-%m-%d %H:%M:%S}"):
        assert whole in row, "what stands in a pipe is cut to no terminal's width"
    assert "Given (UTC)" in table.stdout
    figures = CliRunner().invoke(app, ["feedback", "figures", "--json"])
    found = json.loads(figures.stdout)
    assert (found["ppv"], found["judged"]) == (0.0, 1)
    assert CliRunner().invoke(app, ["feedback", "figures"]).exit_code == 0
    wrong = ["feedback", "figures", "--since", "2026-02-02", "--until", "2026-01-01"]
    assert CliRunner().invoke(app, wrong).exit_code == 2
