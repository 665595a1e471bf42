"""Links to the worklist page: which channels send one, and where it leads."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from settings.environment import Settings
from settings.flags import Hl7Channel, MailChannel, WebhookChannel, WorkItemChannel
from tests.builders.stored.notices import notice
from worker.flag.flag_study import page_address
from worker.flag.flagged_work_item import flagged_work_item
from worker.flag.hl7_observation import observation_message
from worker.flag.mail import mail_of
from worker.flag.webhook import notice_as_json

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def hl7_channel(link_type: str) -> Hl7Channel:
    """A channel that refers to the page in one of its ways."""
    given = {"name": "ris", "kind": "hl7", "host": "ris", "port": 2575, "link_type": link_type}
    return Hl7Channel.model_validate(given)


@pytest.mark.parametrize("link_type", ["RP", "ST", "none"])
def test_hl7_says_whether_it_links(link_type: str) -> None:
    """The message holds the address of the study exactly where the channel says so."""
    channel = hl7_channel(link_type)
    said = observation_message(notice(), channel, NOW)
    assert (notice().study_url in said) is channel.sends_link is (link_type != "none")


def test_the_other_channels_say_whether_they_link() -> None:
    """Mail and webhook do; a work item names the study and no page."""
    mail = MailChannel(
        name="duty", kind="mail", host="mail", sender="a@b.example", recipients=("c@d.example",)
    )
    assert mail.sends_link
    assert notice().study_url in mail_of(notice(), mail, NOW).get_content()
    webhook = WebhookChannel.model_validate(
        {"name": "pager", "kind": "webhook", "url": "http://pager.example/hook"}
    )
    assert webhook.sends_link
    assert notice().study_url in json.dumps(notice_as_json(notice()))
    assert not WorkItemChannel(name="manager", kind="work-item", peer="pacs").sends_link
    assert "http" not in repr(flagged_work_item(notice(), NOW))


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ({}, "http://127.0.0.1:8470"),
        ({"worklist_host": "::1"}, "http://[::1]:8470"),
        ({"flagging": {"page_url": "https://ct.example/"}}, "https://ct.example"),
        (
            {
                "worklist_host": "10.0.0.7",
                "worklist_network": {"names": ["ct.example"], "certificate": "c", "key": "k"},
            },
            "https://ct.example:8470",
        ),
        (
            {
                "worklist_host": "0.0.0.0",
                "worklist_network": {"names": ["ct.example"], "behind_proxy": ["10.0.0.1"]},
            },
            "https://ct.example",
        ),
    ],
)
def test_the_address_is_one_that_the_page_answers_to(given: dict[str, Any], address: str) -> None:
    """By what was set for it; else by name and with https where the page has them."""
    assert page_address(Settings.model_validate(given)) == address
