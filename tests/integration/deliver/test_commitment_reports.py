"""Reports on storage commitment that come late, from others, or about something else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from database.session import query
from database.tables.study.analysis import Event
from tests.builders.dicom.commitment import destination, event_names, site_with, states
from tests.peers.dicom.committing_pacs import Answers, running_committing_pacs

pytestmark = pytest.mark.integration


def test_a_late_promise_is_a_promise(tmp_path: Path) -> None:
    """An answer to the first request counts although a second one was sent meanwhile."""
    with (
        running_committing_pacs(Answers.NEVER) as pacs,
        site_with(tmp_path, destination("pacs", "PACS", pacs.port)) as (site, node),
    ):
        site.make_result()
        site.deliver()
        site.later(601)
        site.deliver()
        assert len(pacs.requests) == 2
        assert pacs.report(*pacs.requests[0], port=node.port) == 0x0000
        assert states(site) == ["committed"]
        assert pacs.report(*pacs.requests[1], port=node.port) == 0x0000
        assert states(site) == ["committed"]


def _with_another(instances: dict[str, str]) -> dict[str, str]:
    return {**instances, "2.25.123": "1.2.840.10008.5.1.4.1.1.2"}


def _without_one(instances: dict[str, str]) -> dict[str, str]:
    return dict(list(instances.items())[1:])


def _of_another_class(instances: dict[str, str]) -> dict[str, str]:
    return dict.fromkeys(instances, "1.2.840.10008.5.1.4.1.1.2")


@pytest.mark.parametrize("change", [_with_another, _without_one, _of_another_class])
def test_a_report_about_other_instances(
    change: Callable[[dict[str, str]], dict[str, str]], tmp_path: Path
) -> None:
    """A report that is not about exactly what was asked is refused, noted, and changes nothing."""
    with (
        running_committing_pacs(Answers.NEVER) as pacs,
        site_with(tmp_path, destination("pacs", "PACS", pacs.port)) as (site, node),
    ):
        site.make_result()
        site.deliver()
        transaction_uid, instances = pacs.requests[0]
        assert pacs.report(transaction_uid, change(instances), port=node.port) == 0x0115
        assert states(site) == ["sent"]
        assert event_names(site)[-1] == "commitment_report_refused"


def test_a_report_for_an_unknown_transaction(tmp_path: Path) -> None:
    """It is refused and noted with whom it came from."""
    with (
        running_committing_pacs(Answers.NEVER) as pacs,
        site_with(tmp_path, destination("pacs", "PACS", pacs.port)) as (site, node),
    ):
        site.make_result()
        site.deliver()
        assert pacs.report("2.25.4711", pacs.requests[0][1], port=node.port) == 0x0115
        assert states(site) == ["sent"]
        with query(site.engine) as session:
            event = session.scalars(select(Event).order_by(Event.id.desc()).limit(1)).one()
        assert event.name == "commitment_report_refused"
        assert event.facts["reason"] == "unknown_transaction"
        assert event.facts["calling_ae_title"] == "PACS"


def test_a_report_of_another_peer(tmp_path: Path) -> None:
    """Neither another destination nor a scanner can promise in the name of the one asked."""
    with (
        running_committing_pacs(Answers.NEVER) as pacs,
        site_with(
            tmp_path,
            destination("pacs", "PACS", pacs.port),
            destination("other", "OTHER", pacs.port),
        ) as (site, node),
    ):
        site.make_result()
        site.deliver()
        request = pacs.requests[0]
        assert pacs.report(*request, port=node.port, calling="OTHER") == 0x0115
        assert pacs.report(*request, port=node.port, calling="SCANNER") == 0x0115
        assert pacs.report(*request, port=node.port, calling="STRANGER") is None
        assert states(site) == ["sent", "sent"]
        assert event_names(site).count("commitment_report_refused") == 2


def test_a_report_of_an_unknown_event_type(tmp_path: Path) -> None:
    """Only the two event types of the standard are understood."""
    with (
        running_committing_pacs(Answers.NEVER) as pacs,
        site_with(tmp_path, destination("pacs", "PACS", pacs.port)) as (site, node),
    ):
        site.make_result()
        site.deliver()
        assert pacs.report(*pacs.requests[0], port=node.port, event_type=3) == 0x0113
        assert states(site) == ["sent"]
