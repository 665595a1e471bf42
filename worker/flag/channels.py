"""The channels of this process: each made when it is first used, and kept."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from settings.environment import Settings
from settings.flags import (
    AnyChannel,
    Hl7Channel,
    MailChannel,
    WebhookChannel,
    WorkItemChannel,
    WorkItemWebChannel,
)
from worker.flag.channel import FlagChannel
from worker.flag.hl7_observation import Hl7ObservationChannel
from worker.flag.mail import Mail
from worker.flag.unified_procedure_step import UnifiedProcedureStep
from worker.flag.webhook import Webhook
from worker.flag.work_item_web import WebWorkItem


def open_channel(channel: AnyChannel, settings: Settings) -> FlagChannel:
    """The sender of one channel, by its kind.

    Raises
    ------
    SettingsRefused
        What the channel names is not in the settings, or cannot be read.
    """
    match channel:
        case WebhookChannel():
            return Webhook(channel)
        case MailChannel():
            return Mail(channel)
        case Hl7Channel():
            return Hl7ObservationChannel(channel)
        case WorkItemChannel():
            return UnifiedProcedureStep(channel, settings)
        case WorkItemWebChannel():
            return WebWorkItem(channel, settings)


class Channels:
    """Senders by the names of their channels, shared by the threads of one process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._known = {one.name: one for one in settings.flags}
        self._open: dict[str, FlagChannel] = {}
        self._lock = threading.Lock()

    @property
    def names(self) -> Sequence[str]:
        """Every channel of the settings."""
        return tuple(self._known)

    def setting(self, name: str) -> AnyChannel | None:
        """What the settings say of a channel; None when they do not know it any more."""
        return self._known.get(name)

    def sender(self, channel: AnyChannel) -> FlagChannel:
        """The sender of a channel.

        Raises
        ------
        SettingsRefused
            There is none of this kind.
        """
        with self._lock:
            if channel.name not in self._open:
                self._open[channel.name] = open_channel(channel, self._settings)
            return self._open[channel.name]

    def close(self) -> None:
        """Let go of everything that is kept open."""
        with self._lock:
            for sender in self._open.values():
                sender.close()
            self._open.clear()
