"""Every reader of a stored reading finds in an old one what that release wrote into it.

The pages leave out what a reading does not have, so that no old row breaks them. Here it is counted
that nothing is left out which is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from chest.answer.known import given_in
from chest.course.follow_course import latest_measurement
from chest.judge_again import judge_again
from database.priors.candidates import prior_candidates
from database.session import query
from database.studies.clinical_values import clinical_values
from models.older_readings import stored_reading
from models.readers.study_reader import EarlierStudy
from radiology import codes
from radiology.clinical import ClinicalValues
from radiology.outcome import Outcome
from radiology.urgency import Urgency
from tests.builders.old_rows.old_site import OldSite
from worklist.reading.case_lines import case_lines
from worklist.reading.clinical_scores import scores_of_study
from worklist.reading.course_lines import course_lines
from worklist.reading.figures import gate_lines, suspicion_threshold, table_lines

pytestmark = pytest.mark.integration

_TITLES = {"right": "Right lung", "left": "Left lung", "total": "Both lungs"}


def _readings(old: OldSite) -> list[dict[str, Any]]:
    """What was read of the studies that could be read, and of those that the gates refused."""
    found = [one.reading for one in old.results() if "figures" in one.reading]
    assert found
    return found


def test_the_file_has_every_kind_of_answer(old: OldSite) -> None:
    """Findings or none, not assessable by a gate or before, compared or not, taken back or not."""
    results, readings = old.results(), _readings(old)
    assert {one.outcome for one in results} == set(Outcome)
    assert {one.urgency for one in results} == {*Urgency, None}
    assert any(one.reading.get("refused_by") for one in results)
    assert any(one.superseded_by_id for one in results)
    assert any(one.withdrawn_at for one in results)
    assert any(one["outcome"] == Outcome.NOT_ASSESSABLE for one in readings)
    assert any(_comparisons(one) for one in readings)
    assert any(given_in(stored_reading(one)) for one in readings)
    assert any(territory["is_lobe"] for one in readings for territory in one["territories"])
    for name in ("heat_maps", "lesions", "boundaries", "viral"):
        assert any(one[name] for one in readings), name


def test_figures(old: OldSite) -> None:
    """The figures of each lung, each gate, and who claims it."""
    for one in _readings(old):
        reading = stored_reading(one)
        wholes = {row.title: row for row in reading.table.rows if not row.is_part}
        assert len(wholes) == len(one["figures"])
        titles = [column.title for column in reading.table.columns]
        for side, figures in one["figures"].items():
            row = wholes[_TITLES[side]]
            assert row.cells[titles.index("Share")] == figures["lesion_share_percent"]
            assert None not in row.cells or not figures["lesion_volume_ml"]
        assert len(table_lines(reading).rows) == len(reading.table.rows)
        assert len(gate_lines(reading)) == len(one["gates"])
        assert all(astuple(reading.algorithm))
        assert suspicion_threshold(reading) == one["suspicion_threshold"]


def test_type_signs_rules_and_territories(old: OldSite) -> None:
    """All that a reading says beside its figures."""
    for one in _readings(old):
        reading, lines = stored_reading(one), case_lines(stored_reading(one))
        titles = {remark.title for remark in reading.remarks}
        assert bool(reading.labels) == bool(one["viral"])
        assert ("Type (a hint, no diagnosis)" in titles) == bool(one["viral"])
        assert len(reading.findings) == 1 + len(one["signs"])
        parts = [row for row in reading.table.rows if row.is_part]
        assert len(parts) == sum(part["volume_ml"] > 0 for part in one["territories"])
        if one["outcome"] == Outcome.NOT_ASSESSABLE:
            continue
        assert len(lines.findings) == 1 + len(one["signs"])
        told = [text for text in lines.sentences if text.startswith("Rule ")]
        assert len(told) == len(one["rules"])
        confident = [line for line in lines.coded if line.words == codes.CONFIDENCE.meaning]
        assert bool(confident) == bool(one["confidence"])
        unseen = [fissure["name"] for fissure in one["boundaries"] if not fissure["seen"]]
        said = "\n".join((*lines.sentences, *(" ".join(r.texts) for r in lines.remarks)))
        if any(part["is_lobe"] for part in one["territories"]):
            assert all(name in said for name in unseen)


def test_severity(old: OldSite) -> None:
    """Every score is shown, and computed again with the values that the reading was made with."""
    for one in _readings(old):
        stored = (one["severity"] or {}).get("scores", [])
        shown = scores_of_study(stored_reading(one))
        lines = sum(len(topic.scores) + len(topic.unanswered) for topic in shown.topics)
        assert lines == len(stored)
        assert shown.trouble == ""
        reading = stored_reading(one)
        again = judge_again(reading, ClinicalValues.from_facts(given_in(reading)))
        answered = {score["name"] for score in stored if score["computed"]}
        assert answered <= {score.name for score in again.scores if score.computed}


def test_values_that_were_entered(old: OldSite) -> None:
    """Those of every entry are in force, a later one in place of an earlier one."""
    entered: dict[int, dict[str, Any]] = {}
    for row in old.rows.tables["clinical_entry"]:
        entered.setdefault(row["study_id"], {}).update(row["changes"])
    assert entered
    with query(old.engine) as session:
        for study_id, values in entered.items():
            assert clinical_values(session, study_id).values == values


def test_the_course(old: OldSite) -> None:
    """A plot of the studies, and a line for each lesion that was compared."""
    for one in _readings(old):
        lines = course_lines(stored_reading(one))
        course = one["course"] or {}
        assert len(lines.points) in (0, len(course.get("points", [])))
        assert len(lines.not_compared) == len(course.get("not_compared", []))
        for comparison in _comparisons(one):
            assert len(lines.points) > 1
            assert len(lines.followed) + lines.further == len(comparison["lesions"])


def test_an_old_study_is_one_to_compare_with(old: OldSite) -> None:
    """What a later study of the patient is compared with stands in the reading."""
    compared = [one for one in old.results() if _comparisons(one.reading)]
    assert compared
    for result in compared:
        with query(old.engine) as session:
            candidates = prior_candidates(session, result.study_id)
        earlier = {one["study_instance_uid"] for one in _comparisons(result.reading)}
        assert earlier <= {one.study_instance_uid for one in candidates}
        for one in candidates:
            at = datetime.fromisoformat(one.reading["acquired_at"])
            kept = Path(one.comparison_file)
            reading = stored_reading(one.reading)
            assert reading.acquired_at == at
            study = EarlierStudy(one.study_instance_uid, at, reading, kept)
            measured = latest_measurement([study])
            assert measured is not None
            total = one.reading["figures"]["total"]
            assert measured.acquired_at == at
            assert measured.lesion_share_percent == total["lesion_share_percent"]
            assert one.report is not None


def _comparisons(one: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = (one.get("course") or {}).get("comparisons") or []
    return found
