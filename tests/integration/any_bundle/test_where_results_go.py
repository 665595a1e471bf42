"""Where the answers of bundles go, who is told, and whose limit decided."""

from __future__ import annotations

import httpx
import pytest
from sqlalchemy import select

from database.results.shadow import ShadowLine, shadow_lines
from database.session import query
from database.tables.readers.flag import Flag
from database.tables.study.analysis import Result
from radiology.urgency import Urgency
from tests.integration.any_bundle.read_head import (
    LENIENT,
    PAGE_ONLY,
    RELEASED,
    SCORER,
    SEGMENTER,
    SHADOW,
    ReadHead,
    said,
)

pytestmark = [pytest.mark.integration, pytest.mark.timeout(500)]


def test_the_site_decides_on_its_own_limit(read: ReadHead) -> None:
    """The same network under a limit of the site is not urgent; page and SR say whose it is."""
    result = read.results[LENIENT]
    assert result.urgency is Urgency.SUSPECTED
    (report,) = [one for one in read.objects_of(LENIENT) if one.Modality == "SR"]
    rows = {row["name"]: row for row in result.reading["urgency_rules"]}
    assert rows["large bleeding"]["whose"] == "site"
    assert rows["large bleeding"]["limit"] == "at least 500 ml"
    assert "bleeding seen: suspected: volume of Hemorrhage" in said(report)
    assert "limit: at least 0.2 ml" in said(report)  # of the suspicion, whose limit is the bundle's
    assert "at least 500 ml" in read.page()


def test_results_for_the_page_alone_are_not_sent(read: ReadHead) -> None:
    """The page shows the answer; PACS has no object of it."""
    assert read.results[PAGE_ONLY].urgency is Urgency.URGENT
    assert read.objects_of(PAGE_ONLY) == []
    assert PAGE_ONLY in read.page()


def test_nobody_is_shown_what_a_bundle_in_shadow_answers(read: ReadHead) -> None:
    """There is no result, no object and no flag of it; whoever judges it finds its answer."""
    assert SHADOW not in read.results
    assert read.objects_of(SHADOW) == []
    with query(read.engine) as session:
        (line,) = shadow_lines(session, SHADOW)
    assert isinstance(line, ShadowLine)
    assert (line.study_instance_uid, line.urgency) == (read.uid, Urgency.URGENT)
    assert line.shown is Urgency.URGENT


def test_one_flag_names_the_bundle_that_raised_it(read: ReadHead) -> None:
    """Webhook, HL7 and work item are told of one study once, in the words of that bundle."""
    with query(read.engine) as session:
        flag = session.scalars(select(Flag)).one()
        raised_by = session.get_one(Result, flag.result_id).bundle
    assert raised_by in (SEGMENTER, PAGE_ONLY, SCORER, RELEASED)
    told = read.webhook.received[0].said["data"]
    assert told["study_instance_uid"] == read.uid
    message = read.hl7.messages[0]
    assert "CT" in str(message.segment("OBR")(4))
    assert "CT Chest" not in str(message)
    (item,) = read.manager.work_items.values()
    assert item.ScheduledProcedureStepPriority == "HIGH"


def test_the_list_has_one_line_for_the_study(read: ReadHead) -> None:
    """Six bundles, one line; the study's page has an answer of each that is shown."""
    listed = httpx.get(f"{read.firstread.worklist_url}/", trust_env=False, timeout=60).text
    assert listed.count(f'href="/studies/{read.uid}"') == 1
    page = read.page()
    for name in (SEGMENTER, SCORER, PAGE_ONLY, LENIENT):
        assert f'id="answer-{name}"' in page
