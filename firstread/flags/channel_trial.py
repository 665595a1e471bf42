"""Sends a test notice through a channel, so that an administrator sees the receiver's answer."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

from firstread.say import console
from radiology.errors import SettingsRefused
from settings.environment import Settings
from worker.flag.channel import NoticeKind
from worker.flag.channels import open_channel
from worker.flag.trial_notice import trial_notice


def try_channel(settings: Settings, name: str) -> None:
    """Send a notice and its withdrawal, and print what the channel answers.

    Raises
    ------
    SettingsRefused
        The settings have no channel of this name.
    """
    known = next((one for one in settings.flags if one.name == name), None)
    if known is None:
        names = ", ".join(one.name for one in settings.flags) or "none"
        raise SettingsRefused(f"There is no such channel; the settings have: {names}")
    sender = open_channel(known, settings)
    now, salt = datetime.now(UTC), secrets.token_hex(8)
    try:
        for kind in (NoticeKind.RAISED, NoticeKind.WITHDRAWN):
            answer = sender.send(trial_notice(settings, kind, now, salt), now)
            console.print(f"{kind.value}: {answer.code} {answer.reference}", highlight=False)
    finally:
        sender.close()
