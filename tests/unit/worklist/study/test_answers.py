"""A study that several bundles have read: one line in the list, each answer on its page."""

from __future__ import annotations

import json
import re
from html import unescape

from database.jobs.bundles_in_use import end_unwanted
from database.jobs.claimed import Claim, claim_job, end_job, note_bundle
from database.process_signs import note_loaded, record_sign
from database.session import transaction
from database.states import JobState
from database.studies.assembly import Waits, assemble_study
from database.tables.study.analysis import Result, Study
from models.catalogue import versions_on_disk
from radiology.urgency import Urgency
from settings.environment import Settings
from tests.unit.worklist.access.visitor import Visitor, readable, row_text
from tests.unit.worklist.list.ordinary_day import CLEAR, MODERATE, SEVERE
from tests.unit.worklist.seeded_values import ALGORITHM
from tests.unit.worklist.seeding import SeededHospital

HEAD = "head-ct-test"
_WAITS = Waits(high_s=600.0, routine_s=3600.0, low_s=14400.0)


def _two_jobs(hospital: SeededHospital) -> str:
    """A study whose jobs of two bundles wait; its UID."""
    uid = hospital.receive(accession_number="TWO")
    with transaction(hospital.engine) as session:
        study_id = session.query(Study.id).filter_by(study_instance_uid=uid).scalar()
        assert study_id is not None
        bundles = (ALGORITHM.name, HEAD)
        assemble_study(session, study_id, bundles=bundles, waits=_WAITS, now=hospital.now)
    return uid


def _claim(hospital: SeededHospital, bundle: str, version: str) -> Claim:
    with transaction(hospital.engine) as session:
        claim = claim_job(session, worker="w", lease_s=15, now=hospital.now, bundles=(bundle,))
        assert claim is not None
        note_bundle(session, claim, version)
    return claim


def _part(html: str, key: str) -> str:
    start = html.index(f'data-part="{key}"')
    return html[start - 20 : html.index("</section>", start)]


def _answers(visitor: Visitor, uid: str) -> str:
    answer = visitor.get(f"/studies/{uid}")
    assert answer.status_code == 200, answer.text
    return _part(answer.text, "answers")


def test_each_bundle_has_its_section_the_most_urgent_first(
    hospital: SeededHospital, visitor: Visitor
) -> None:
    """With its version, what it found, its deliveries, and a picture that can be looked at."""
    uid = _two_jobs(hospital)
    routine = hospital.answer(
        _claim(hospital, ALGORITHM.name, "1.0.0"), Urgency.ROUTINE, destinations=["pacs"]
    )
    hospital.answer(
        _claim(hospital, HEAD, "3.1.4"), Urgency.URGENT, SEVERE, destinations=["archive"]
    )
    html = _answers(visitor, uid)
    text = readable(html)
    assert text.index("head-ct-test 3.1.4") < text.index(f"{ALGORITHM.name} 1.0.0")
    assert text.index("Urgent") < text.index("Routine")
    assert "pacs" in text
    assert "archive" in text
    assert f'href="/pictures/{routine}"' in html
    page = visitor.get("/").text
    assert page.count(f'href="/studies/{uid}"') == 1
    assert f'data-part="{uid}"' in page
    row = page[page.index(f'data-part="{uid}"') :]
    assert 'data-kind="urgent"' in row[:300]


def test_the_row_names_what_another_bundle_suspects(
    hospital: SeededHospital, visitor: Visitor
) -> None:
    """Beside the most urgent answer; one that suspects nothing is not named."""
    uid, quiet = _two_jobs(hospital), _two_jobs(hospital)
    for urgency, lesions in ((Urgency.SUSPECTED, MODERATE), (Urgency.ROUTINE, CLEAR)):
        hospital.answer(_claim(hospital, ALGORITHM.name, "1.0.0"), urgency, lesions)
        hospital.answer(_claim(hospital, HEAD, "3.1.4"), Urgency.URGENT, SEVERE)
    page = visitor.get("/").text
    assert "also: Suspected – Lesion share of lung 3.3 %" in row_text(page, uid)
    assert "also:" not in row_text(page, quiet)
    assert page.count('class="also"') == 1


def test_the_head_names_what_another_bundle_suspects(
    hospital: SeededHospital, visitor: Visitor
) -> None:
    """Whichever answer is shown in full, and in the reader's language; a withdrawn one is not."""
    uid = _two_jobs(hospital)
    suspected = hospital.answer(
        _claim(hospital, ALGORITHM.name, "1.0.0"), Urgency.SUSPECTED, MODERATE
    )
    hospital.answer(_claim(hospital, HEAD, "3.1.4"), Urgency.URGENT, SEVERE)
    for shown in ("", f"?bundle={ALGORITHM.name}"):
        head = _part(visitor.get(f"/studies/{uid}{shown}").text, "head")
        assert "also: Suspected – Lesion share of lung 3.3 %" in readable(head)
        assert head.count('class="also"') == 1
    chinese = visitor.get(f"/studies/{uid}", {"Cookie": "firstread_language=zh"}).text
    assert "另有：疑似" in readable(_part(chinese, "head"))
    with transaction(hospital.engine) as session:
        session.get_one(Result, suspected).withdrawn_at = hospital.now
    assert "also:" not in _part(visitor.get(f"/studies/{uid}").text, "head")


def test_the_other_answer_is_shown_in_full_and_judged(
    hospital: SeededHospital, visitor: Visitor
) -> None:
    """Its picture, its figures and the form are those of the bundle that the address names."""
    uid = _two_jobs(hospital)
    routine = hospital.answer(_claim(hospital, ALGORITHM.name, "1.0.0"), Urgency.ROUTINE)
    urgent = hospital.answer(_claim(hospital, HEAD, "3.1.4"), Urgency.URGENT, SEVERE)
    leading = visitor.get(f"/studies/{uid}").text
    assert f'action="/results/{urgent}/feedback"' in leading
    assert f'href="/studies/{uid}?bundle={ALGORITHM.name}"' in _part(leading, "answers")
    other = visitor.get(f"/studies/{uid}?bundle={ALGORITHM.name}").text
    assert f'/pictures/{routine}"' in _part(other, "picture")
    assert f'data-live="/live/studies/{uid}?bundle={ALGORITHM.name}"' in other
    assert 'data-kind="urgent"' in _part(other, "head")  # the study's own, whoever is shown
    action = f"/results/{routine}/feedback?bundle={ALGORITHM.name}"
    assert f'action="{action}"' in other
    answer = visitor.post(action, form={"judgement": "agree"})
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/studies/{uid}?bundle={ALGORITHM.name}#h-feedback"
    assert 'class="opinion agree"' in visitor.get(f"/studies/{uid}?bundle={ALGORITHM.name}").text
    assert visitor.get(f"/studies/{uid}?bundle=nobody").status_code == 404


def test_the_viewer_offers_the_window_of_the_answer_that_is_shown(
    hospital: SeededHospital, visitor: Visitor
) -> None:
    """A head is not looked at in the window of lungs."""
    uid = _two_jobs(hospital)
    windows = {ALGORITHM.name: [-600.0, 1500.0], HEAD: [40.0, 80.0]}
    for bundle, window_hu in windows.items():
        result_id = hospital.answer(_claim(hospital, bundle, "1.0.0"), Urgency.URGENT, SEVERE)
        with transaction(hospital.engine) as session:
            result = session.get_one(Result, result_id)
            report = {**result.reading["report"], "window_hu": window_hu}
            result.reading = {**result.reading, "report": report}
    for bundle, title in ((ALGORITHM.name, "Lung"), (HEAD, "Brain")):
        page = visitor.get(f"/studies/{uid}?bundle={bundle}").text
        (stated,) = re.findall(r'data-windows="([^"]*)"', page)
        assert [one["title"] for one in json.loads(unescape(stated))] == [title]


def test_one_bundle_alone_has_no_section_of_its_own(
    hospital: SeededHospital, visitor: Visitor
) -> None:
    """The page is as it was: the parts beside it say everything."""
    uid, claim = hospital.claimed()
    hospital.answer(claim, Urgency.ROUTINE)
    assert " hidden>" in _answers(visitor, uid)


def test_a_bundle_that_does_not_apply_says_why(hospital: SeededHospital, visitor: Visitor) -> None:
    """The study looks as the other one answered, neither refused nor failed."""
    uid = _two_jobs(hospital)
    hospital.answer(_claim(hospital, ALGORITHM.name, "1.0.0"), Urgency.ROUTINE)
    claim = _claim(hospital, HEAD, "3.1.4")
    with transaction(hospital.engine) as session:
        end_job(
            session,
            claim,
            JobState.NOT_APPLICABLE,
            hospital.now,
            rank=None,
            error_kind="BundleDoesNotApply",
            error_message="No series of the study is of the kind that this bundle reads",
        )
    page = visitor.get(f"/studies/{uid}").text
    assert 'data-kind="routine"' in _part(page, "head")
    text = readable(_part(page, "answers"))
    assert "No series of the study is of the kind that this bundle reads" in text
    assert "Try head-ct-test again" in text


def test_a_bundle_that_was_switched_off_says_so(hospital: SeededHospital, visitor: Visitor) -> None:
    """On the study's page, and on that of the administrator."""
    uid = _two_jobs(hospital)
    with transaction(hospital.engine) as session:
        end_unwanted(session, (ALGORITHM.name,), hospital.now)
    assert "was switched off before it read the study" in readable(_answers(visitor, uid))
    administration = readable(_part(visitor.get("/administration").text, "bundles"))
    line = administration[administration.index(HEAD) :]
    assert "switched off" in line
    assert "none on disk" in line


def test_bundles_in_use_with_version_memory_and_jobs(
    hospital: SeededHospital, visitor: Visitor, worklist_settings: Settings
) -> None:
    """The administrator sees what each bundle takes, and what waits for it."""
    _two_jobs(hospital)
    with transaction(hospital.engine) as session:
        record_sign(session, "ct:1", "analysis", started_at=hospital.now, now=hospital.now)
        loaded = [(ALGORITHM.name, "2.0.0", 512_000_000)]
        note_loaded(session, "ct:1", loaded, hospital.now)
    text = readable(_part(visitor.get("/administration").text, "bundles")).replace("\n", " ")
    newest = versions_on_disk(worklist_settings.bundles_folder, ALGORITHM.name)[-1]
    assert f"{ALGORITHM.name} yes {newest} Firstread 2.0.0: 512.0 MB ct:1" in text
