"""A notice that tries a channel: whatever the channel, it says that it is a test."""

from __future__ import annotations

from datetime import UTC, datetime

import hl7
import pytest

from radiology.work_item import WorkItemPriority
from settings.environment import Settings
from settings.flags import Hl7Channel, MailChannel
from worker.flag.channel import NoticeKind
from worker.flag.flagged_work_item import flagged_work_item
from worker.flag.hl7_observation import observation_message
from worker.flag.mail import mail_of
from worker.flag.trial_notice import trial_notice
from worker.flag.webhook import notice_as_json

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
KINDS = pytest.mark.parametrize("kind", [NoticeKind.RAISED, NoticeKind.WITHDRAWN])


@KINDS
def test_an_hl7_message_is_of_a_test(kind: NoticeKind) -> None:
    """MSH-11 is T; the only finding says TEST; nothing is urgent, abnormal or suspected."""
    notice = trial_notice(Settings(), kind, NOW, "salt")
    channel = Hl7Channel(name="ris", kind="hl7", host="ris", port=2575, actionable_category=True)
    read = hl7.parse(observation_message(notice, channel, NOW))
    assert str(read.segment("MSH")(11)) == "T"
    assert str(read.segment("OBR")(5)) == "R"
    assert str(read.segment("TQ1")(9)).startswith("R^")
    _study, finding, *links = read.segments("OBX")
    assert str(finding(5)).startswith("TEST")
    assert str(finding(8)) == ""
    assert [str(one(2)) for one in links] == ["RP"]
    whole = str(read).lower()
    assert "suspected" not in whole
    assert "urgent" not in whole


@KINDS
def test_the_other_channels_say_so_too(kind: NoticeKind) -> None:
    """A webhook by a field, a mail in its subject and first line, a work item by its label."""
    notice = trial_notice(Settings(), kind, NOW, "salt")
    said = notice_as_json(notice)
    assert said["test"] is True
    assert said["data"]["urgency"] == "routine"
    channel = MailChannel(
        name="duty", kind="mail", host="mail", sender="a@b.example", recipients=("c@d.example",)
    )
    mail = mail_of(notice, channel, NOW)
    assert mail["Subject"].startswith("TEST")
    assert mail.get_content().startswith("TEST")
    item = flagged_work_item(notice, NOW)
    assert "TEST" in item.step_label
    assert item.comments.startswith("TEST")
    assert item.priority is not WorkItemPriority.HIGH
