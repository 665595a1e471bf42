"""The page of a study: findings, reasons, events, and the actions that are possible."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from database.feedback.given import feedback_of_study
from database.results.facts import refused_by
from database.session import query
from database.states import RETRYABLE
from database.studies.clinical_values import RecordedValues, clinical_values
from database.views.flag_pages import flag_decision, flag_of_study
from database.views.worklist.opened import open_by
from database.views.worklist.worklist_facts import DecisionFacts, ResultFacts, StudyPage
from database.views.worklist.worklist_rows import study_page
from models.older_readings import brief_if_readable, reading_if_readable
from radiology.algorithm import AlgorithmIdentity
from radiology.answer.reading import Reading, ReportWords
from worklist.feedback.lines import feedback_form, feedback_said
from worklist.list.list_line import list_line
from worklist.ohif.installed import ohif_folder
from worklist.page.chosen_bundle import with_bundle
from worklist.page.kept_list import with_list
from worklist.page.not_found import StudyNotFound
from worklist.page.pictures import has_heat_picture
from worklist.page.screens import PageContext, Screen, make_part
from worklist.reading.case_lines import case_lines
from worklist.reading.clinical_scores import scores_of_study
from worklist.reading.course_lines import HEIGHT, WIDTH, course_lines
from worklist.reading.figures import (
    gate_lines,
    possible_lines,
    suspicion_threshold,
    table_lines,
)
from worklist.reading.lesion_lines import lesion_lines
from worklist.reading.why_lines import rule_that_decided, why_lines
from worklist.study.answer_lines import answer_lines
from worklist.study.clinical_asked import asks_for_clinical_values
from worklist.study.earlier_lines import earlier_lines
from worklist.study.flag_lines import flag_lines
from worklist.study.model_card import card_of
from worklist.study.sent_lines import may_be_sent_again, sent_lines
from worklist.study.step_lines import ended_after_s, is_answered, step_lines
from worklist.study.viewer_begins import begun_viewer, first_fetched, shown_slices
from worklist.study.viewer_links import viewer_lines
from worklist.viewer.earlier_slices import earlier_slices
from worklist.viewer.windows import window_lines
from worklist.words.declared_titles import titled
from worklist.words.next_steps import note_on_retry
from worklist.words.translations import translated
from worklist.words.verdict import verdict_of

_OF_THE_READING = frozenset({"figures", "case", "lesions", "severity", "course", "why", "gates"})


def study_screen(
    context: PageContext,
    study_instance_uid: str,
    bundle: str = "",
    kept: str = "",
    reader: str = "",
) -> Screen:
    """One study as it stands now.

    Parameters
    ----------
    bundle : whose answer is shown in full; of several bundles the most urgent answer when empty
    kept : the list that it was opened from, for links and forms
    reader : whom the screen is for, who is not told that they have it open themselves; empty where
        several share it, as streams do: there `verdict.js` hides the name

    Raises
    ------
    StudyNotFound
        There is no such study, or no such bundle was to read it.
    """
    with query(context.engine) as session:
        page = study_page(session, study_instance_uid)
        if page is None:
            raise StudyNotFound
        study_id = page.row.study.id
        recorded = clinical_values(session, study_id)
        feedback = feedback_of_study(session, study_instance_uid)
        flag, decision = flag_of_study(session, study_id), flag_decision(session, study_id)
        readers = open_by(session, [study_id], context.clock()).get(study_id, ())
    reports = _reports(page)
    study = page.row.study
    name = study.accession_number or study.patient_id or translated("without accession number")
    shown = _shown(page, bundle)
    lines = flag_lines(flag, decision, reports)
    asked = with_list(with_bundle("", bundle), kept)
    of_study = _sections(context, page, shown, recorded, reports)
    first = begun_viewer(context, shown.row.result, of_study["slices"])
    sections = {
        **of_study,
        "answers": {
            "answers": answer_lines(page.row),
            "shown": shown.row.job.bundle if shown.row.job else "",
            "uid": study.study_instance_uid,
            "kept": kept,
        },
        "open_by": {"readers": tuple(one.reader for one in readers if one.reader != reader)},
        "feedback_form": {"form": feedback_form(shown.row.result, feedback), "asked": asked},
        "feedback": {"said": feedback_said(shown.row.result, feedback)},
        "flag_bar": {"lines": lines, "asked": asked},
        "flags": {"lines": lines},
    }
    return Screen(
        title=translated(
            "%(answer)s – study %(name)s", answer=verdict_of(page.row).word, name=name
        ),
        parts=tuple(
            make_part(context.templates, f"{_room_of(key)}/{key}.html", key, **values)
            for key, values in sections.items()
        ),
        ahead=first_fetched(sections["slices"]),
        still=context.templates.get_template("viewer/viewer.html").render(
            first=first, earlier=of_study["slices"]["earlier"]
        ),
        picture="" if first is None else first.address,
    )


def _room_of(section: str) -> str:
    """The room whose template shows a section: an upload's page has those of the reading too."""
    return "reading" if section in _OF_THE_READING else "study"


def _shown(page: StudyPage, bundle: str) -> StudyPage:
    """The page as if there were only the bundle's answer; as it is when none is named."""
    if not bundle:
        return page
    answer = next((one for one in page.row.answers if one.bundle == bundle), None)
    if answer is None:
        raise StudyNotFound
    return replace(page, row=page.row.of(answer))


def _reports(page: StudyPage) -> dict[str, ReportWords]:
    """What the answer of each bundle is called, by its name; only of readings that can be read."""
    readings = {
        answer.bundle: brief_if_readable(answer.result.reading)
        for answer in page.row.answers
        if answer.result is not None
    }
    return {bundle: one.report for bundle, one in readings.items() if one is not None}


def _sections(
    context: PageContext,
    whole: StudyPage,
    page: StudyPage,
    recorded: RecordedValues,
    reports: Mapping[str, ReportWords],
) -> Mapping[str, Mapping[str, Any]]:
    """The values of each section, by its key; `study.html` places them.

    Parameters
    ----------
    whole, page : the study, and the study as the bundle says whose answer is shown in full
    reports : of the readings of the study, by the bundle's name
    """
    result = page.row.result
    facts = result.reading if result else {}
    reading = reading_if_readable(facts) if result else None
    withdrawn = result is not None and result.withdrawn_at is not None
    unreadable = result is not None and reading is None and not refused_by(facts)
    decisions = _decisions(page)
    slices = shown_slices(context, result)
    return {
        "head": {
            "line": list_line(whole.row),
            "names": context.settings.worklist_list.patient_names,
            "instances": page.instances,
            "series": page.series,
            "originals_removed_at": page.originals_removed_at,
            **_retry(whole),
            "viewers": viewer_lines(
                context.settings.study_page.viewers,
                page.row.study,
                own_viewer=ohif_folder(context.settings) is not None,
                key_instance=slices.pop("key_instance"),
            ),
        },
        "slices": {
            **slices,
            "withdrawn": withdrawn,
            "earlier": earlier_slices(context, result, reading),
            "regions": _region_words(reading),
            "windows": [asdict(window) for window in window_lines(result)],
        },
        "picture": {
            "result_id": result.id if result and result.key_picture else None,
            "has_heat": bool(result and has_heat_picture(context, result.key_picture)),
            "superseding": page.row.superseded,
            "strip": slices["result_id"] is not None,  # beneath them, on a wide screen
            "withdrawn": withdrawn,
        },
        "figures": {
            "table": table_lines(reading),
            "possible": possible_lines(reading),
            "suspicion": result.suspicion if result else None,
            "threshold": suspicion_threshold(reading),
            "rule": rule_that_decided(result, reading),
            "kind": verdict_of(page.row).kind.value,
            "withdrawn": withdrawn,
        },
        "case": {
            "case": case_lines(reading),
            "unreadable": unreadable,
            "withdrawn": withdrawn,
        },
        "lesions": {"lesions": lesion_lines(reading), "withdrawn": withdrawn},
        "severity": {
            "scores": replace(
                scores_of_study(reading, recorded, unreadable=unreadable),
                clinical=asks_for_clinical_values(context.settings, whole.row),
            ),
            "withdrawn": withdrawn,
        },
        "course": {
            "course": course_lines(reading),
            "width": WIDTH,
            "height": HEIGHT,
            "withdrawn": withdrawn,
        },
        "why": {"why": why_lines(page.row, decisions, reading), "withdrawn": withdrawn},
        "gates": {"gates": gate_lines(reading), "withdrawn": withdrawn},
        "deliveries": {
            "sent": sent_lines(result),
            "send_again_job_id": _send_again_job_id(result),
            "has_result": result is not None,
        },
        "series": {"decisions": decisions},
        "steps": {
            "steps": step_lines(page.events, reports),
            "ended_after_s": ended_after_s(page),
            "answered": is_answered(page),
        },
        "earlier": {"earlier": earlier_lines(page)},
        "algorithm": {
            "algorithm": reading.algorithm if reading else None,
            "card_of": result.id if result and _has_card(context, reading) else None,
            "provider": result.execution_provider if result else "",
            "uid": page.row.study.study_instance_uid,
            "calling_ae_title": page.row.study.calling_ae_title,
            "jobs": page.jobs,
        },
    }


def _region_words(reading: Reading | None) -> dict[str, str]:
    """What each region is called, by its name."""
    if reading is None:
        return {}
    regions = (*reading.regions, *(one.region for one in reading.possible))
    return {one.name: titled(one.name, reading.report) for one in regions}


def _has_card(context: PageContext, reading: Reading | None) -> bool:
    algorithm: AlgorithmIdentity | None = None if reading is None else reading.algorithm
    return card_of(context.settings.bundles_folder, algorithm) is not None


def _retry(page: StudyPage) -> dict[str, object]:
    """The newest job, when a person may send it back to the queue, and what to know before."""
    job = page.row.job
    if job is None or job.state not in RETRYABLE:
        return {"retry_job_id": None}
    return {"retry_job_id": job.id, "retry_note": note_on_retry(job.error_kind)}


def _send_again_job_id(result: ResultFacts | None) -> int | None:
    if result is None:
        return None
    return result.job_id if any(may_be_sent_again(one) for one in result.deliveries) else None


def _decisions(page: StudyPage) -> tuple[DecisionFacts, ...]:
    """Of the bundle's newest job that has decided: a job that waits has not yet."""
    bundle = page.row.job.bundle if page.row.job else None
    of_bundle = [job for job in page.jobs if job.bundle == bundle]
    return next((job.decisions for job in of_bundle if job.decisions), ())
