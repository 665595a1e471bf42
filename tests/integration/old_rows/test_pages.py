"""Pages and commands with rows that a release wrote: everything opens, and says what is stored."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import create_engine, select
from typer.testing import CliRunner

from database.jobs.claimed import claim_job
from database.jobs.requeue import retry_job
from database.session import Engine, open_engine, query, transaction
from database.states import JobState
from database.studies.clinical_values import clinical_values
from database.tables.readers.upload import Upload
from database.tables.study.analysis import Job, Result, Study
from database.views.demo_rows import study_answers
from database.views.flag_pages import flag_of_study
from firstread.__main__ import app
from models.schema_2.sign import Sign
from radiology.language import Language
from tests.builders.old_rows.old_site import OldSite
from tests.unit.worklist.access.person import Person
from tests.unit.worklist.access.visitor import readable
from worklist.app import create_app
from worklist.words.language_choice import COOKIE

pytestmark = pytest.mark.integration


@pytest.fixture
def anna(old: OldSite) -> Person:
    """Give an administrator of the old site, signed in with the password of then."""
    person = Person(create_app(old.settings, old.engine, clock=lambda: old.now))
    assert person.sign_in("anna").status_code == 303
    assert person.session
    return person


@pytest.mark.parametrize("language", Language)
def test_every_page_opens(old: OldSite, anna: Person, language: Language) -> None:
    """Whatever is shown of old rows: list, studies, uploads, administration, scorecard."""
    anna.cookies[COOKIE] = language.value
    with query(old.engine) as session:
        studies = session.scalars(select(Study.study_instance_uid)).all()
        results = session.scalars(select(Result.id)).all()
        uploads = session.scalars(select(Upload.token)).all()
    day = f"{old.now:%Y-%m-%d}"
    addresses = (
        "/",
        "/?came=ever&feedback=disagreed",
        "/?q=A-0001",
        "/administration",
        f"/scorecard?first={day}&last={day}",
        "/account",
        *(f"/studies/{uid}" for uid in studies),
        *(f"/results/{one}/model-card" for one in results),
        *(f"/uploads/{token}" for token in uploads),
    )
    for address in addresses:
        answer = anna.get(address)
        assert answer.status_code == 200, address


def test_the_list_is_filtered_by_a_type_of_then(old: OldSite, anna: Person) -> None:
    """What a release stored as the type of a study is its label now, and that of its result."""
    rows = old.rows.tables["study"]
    types = {row["id"]: row["pneumonia_type"] for row in rows}
    answered = {
        row["id"]: row["reading"]["pneumonia_type"]
        for row in old.rows.tables["result"]
        if row["reading"].get("pneumonia_type")
    }
    with query(old.engine) as session:
        assert dict(session.execute(select(Study.id, Study.label)).all()) == types
        labelled = select(Result.id, Result.label).where(Result.label != "")
        assert dict(session.execute(labelled).all()) == answered
    listed = [row for row in rows if not row["asked_for"]]
    chosen = {row["pneumonia_type"] for row in listed} - {""}
    assert chosen
    for label in chosen:
        text = anna.get(f"/?came=ever&label={label}").text
        found = [row["id"] for row in listed if f"/studies/{row['study_instance_uid']}" in text]
        assert found == [row["id"] for row in listed if row["pneumonia_type"] == label]


def test_a_study_s_page_says_what_is_stored(old: OldSite, anna: Person) -> None:
    """Answer, share, rule, scores, flag, feedback, values and reasons of each study."""
    with query(old.engine) as session:
        answers = study_answers(session)
    assert len(answers) == len(old.rows.tables["study"])
    for answer in answers:
        text = readable(anna.get(f"/studies/{answer.study_instance_uid}").text).lower()
        for said in _said(old, answer.study_instance_uid):
            assert said in text, f"{said!r} of study {answer.study_instance_uid}"


def _said(old: OldSite, uid: str) -> list[str]:
    """What must stand on the page of a study, taken from its rows."""
    said = [uid]
    with query(old.engine) as session:
        study = session.scalars(select(Study).where(Study.study_instance_uid == uid)).one()
        said += [study.accession_number, study.patient_id]
        for job in study.jobs:
            said += [one.reason for one in job.decisions]
            said += [job.error_message] if job is study.jobs[-1] and job.error_message else []
        result = session.scalars(
            select(Result).where(Result.study_id == study.id, Result.superseded_by_id.is_(None))
        ).one_or_none()
        if result is not None and result.urgency is not None and result.withdrawn_at is None:
            facts = result.reading
            said.append(f"{facts['figures']['total']['lesion_share_percent']:.1f}\u00a0%")
            said += [gate["reason"] for gate in facts["gates"] if not gate["passed"]]
            said += [result.urgency_rule, facts["algorithm"]["bundle_digest"][:12]]
            said += [one["territory"] for one in facts["territories"]]
            said += [one["label"] for one in facts["severity"]["scores"] if one["computed"]]
        flag = flag_of_study(session, study.id)
        if flag is not None:
            said += [f"{one.channel}:" for one in flag.notices]
        recorded = clinical_values(session, study.id)
        said += [source.by for source in recorded.sources.values()]
    return [" ".join(one.split()).lower() for one in said if one]


def test_an_upload_s_page_says_what_is_stored(old: OldSite, anna: Person) -> None:
    """A slice with its areas and signs, a study with its figures, a refusal with the reason."""
    with query(old.engine) as session:
        uploads = session.scalars(select(Upload)).all()
    assert {one.kind for one in uploads} == {"slice", "study", ""}
    for upload in uploads:
        text = readable(anna.get(f"/uploads/{upload.token}").text).lower()
        said = [one["reason"] for one in upload.refusals["files"]]
        answer = upload.answer or {}
        said += [Sign(one["sign"]).words for one in answer.get("signs", ())]
        if upload.kind == "slice":
            said.append(f"{answer['lesion_share_percent']:.1f} %")
            said += [f"{area:.0f}" for area in answer["area_pixels"].values()]
        if upload.kind == "study":
            said += [answer["urgency"], answer["urgency_rule"]]
            said += [one["territory"] for one in answer["territories"]]
            said += [one["label"] for one in answer["severity"]["scores"] if one["computed"]]
        for one in said:
            assert one.lower() in text, f"{one!r} of upload {upload.id}"


def test_feedback_and_figures_of_then_count(old: OldSite, site_of: Callable[..., str]) -> None:
    """Opinions that stand, predictive values, the scorecard, and the audit trail."""
    listed = json.loads(site_of("feedback", "list", "--json"))["feedback"]
    standing = [row for row in old.rows.tables["feedback"] if "replaced_at" not in row]
    assert len(listed) == len(standing)
    assert json.loads(site_of("feedback", "figures", "--json"))["judged"] >= 1
    first, last = (f"{old.now + timedelta(days=one):%Y-%m-%d}" for one in (-1, 1))
    card = json.loads(site_of("scorecard", "--first", first, "--last", last, "--json"))
    assert card["studies"] == sum(not row["asked_for"] for row in old.rows.tables["study"])
    events = [json.loads(line) for line in site_of("audit").splitlines()]
    assert len(events) >= len(old.rows.tables["audit_event"])


def test_commands_show_every_row(old: OldSite, site_of: Callable[..., str]) -> None:
    """Jobs with their steps, flags, accounts, and the HL7 message of each study."""
    with query(old.engine) as session:
        jobs = session.scalars(select(Job.id)).all()
        answered = session.scalars(
            select(Study.study_instance_uid)
            .join(Result, Result.study_id == Study.id)
            .where(Result.superseded_by_id.is_(None))
        ).all()
    assert site_of("jobs", "--limit", "100")
    for job_id in jobs:
        assert f"{job_id}" in site_of("jobs", "show", str(job_id))
    listed = site_of("flags", "list", "--all")
    assert [
        row["flag_uid"] for row in old.rows.tables["flag"] if row["flag_uid"] not in listed
    ] == []
    assert {"anna", "bela"} <= set(site_of("users", "list").split())
    for uid in answered:
        assert uid in site_of("hl7", "show", uid)


@pytest.fixture
def site_of(old: OldSite, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """Give a function that runs a command at the old site; gives what it printed."""
    monkeypatch.setenv("FIRSTREAD_DATA_FOLDER", str(old.settings.data_folder))
    monkeypatch.setenv("FIRSTREAD_DATABASE_URL", old.settings.database_address)
    monkeypatch.setenv("COLUMNS", "400")
    opened: list[Engine] = []

    def create(*arguments: Any, **options: Any) -> Engine:
        opened.append(create_engine(*arguments, **options))
        return opened[-1]

    # A command leaves its connections to the end of its process.
    monkeypatch.setattr(sys.modules[open_engine.__module__], "create_engine", create)

    def run(*arguments: str) -> str:
        done = CliRunner().invoke(app, list(arguments))
        assert done.exit_code == 0, done.output
        return done.stdout

    yield run
    for engine in opened:
        engine.dispose()


def test_what_had_failed_is_tried_again(old: OldSite) -> None:
    """The queue takes an old job up."""
    with query(old.engine) as session:
        failed = session.scalars(select(Job.id).where(Job.state == JobState.FAILED)).first()
    assert failed is not None
    with transaction(old.engine) as session:
        assert retry_job(session, failed, old.now, by="chief", through="page")
    with transaction(old.engine) as session:
        claim = claim_job(session, worker="host:1", lease_s=10.0, now=old.now)
    assert claim is not None
    assert claim.job_id == failed
