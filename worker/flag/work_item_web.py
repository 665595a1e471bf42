"""Flags as work items of a UPS-RS service (PS3.18 Section 11): as `unified_procedure_step`."""

from __future__ import annotations

from datetime import datetime

from pydantic import SecretStr

from dicom_node.work_items.web import WebService, WorkItemWeb
from radiology.errors import SettingsRefused
from radiology.work_item import WorkItemState
from settings.environment import Settings
from settings.flags import WorkItemWebChannel
from worker.flag.channel import Notice, Receipt
from worker.flag.flagged_work_item import flagged_work_item
from worker.flag.unified_procedure_step import retrieve_ae_title, tell


class WebWorkItem:
    """The channel of one UPS-RS service.

    Parameters
    ----------
    channel : where the service is, how it knows us and how long its answers are awaited
    settings : where our results can be had from

    Raises
    ------
    SettingsRefused
        Secret or certificates cannot be read, or the secret would be sent in clear.
    """

    def __init__(self, channel: WorkItemWebChannel, settings: Settings) -> None:
        service = WebService(
            url=str(channel.url),
            user=channel.user,
            secret=_secret(channel),
            ca_file=channel.ca_file,
        )
        self._name = channel.name
        self._retrieve_ae_title = retrieve_ae_title(settings)
        self._manager = WorkItemWeb(service, timeout_s=channel.answer_s)

    def send(self, notice: Notice, now: datetime) -> Receipt:
        """Tell the service.

        Raises
        ------
        PeerUnreachable, PeerBusy, PeerRefused
            It was not told.
        """
        return tell(
            self._manager,
            notice,
            lambda number: flagged_work_item(
                notice, now, number=number, retrieve_ae_title=self._retrieve_ae_title
            ),
            seen_by=self._name,
            code_of=str,
        )

    def state_of(self, reference: str) -> WorkItemState | None:
        """Where a work item stands there; see `KeepsWorkItems.state_of`."""
        return self._manager.state_of(reference).state

    def close(self) -> None:
        """Close the connection."""
        self._manager.close()


def _secret(channel: WorkItemWebChannel) -> SecretStr | None:
    if channel.secret_file is None:
        return None
    try:
        return SecretStr(channel.secret_file.read_text().strip())
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsRefused(
            "The file with a channel's secret cannot be read: correct "
            "secret_file, or who may read it",
            channel=channel.name,
        ) from error
