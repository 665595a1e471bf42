"""Flags as work items of a UPS-RS service (PS3.18 Section 11): as `unified_procedure_step`."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus

from pydantic import SecretStr

from dicom_node.workitem_web import WebService, WorkItemWeb
from radiology.errors import PeerRefused, SettingsRefused
from settings.environment import Settings
from settings.flags import WorkItemWebChannel
from worker.flag.channel import Answer, Notice, NoticeKind
from worker.flag.flagged_work_item import flagged_work_item
from worker.flag.unified_procedure_step import retrieve_ae_title, tell

_WITHOUT_IT = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)


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

    def send(self, notice: Notice, now: datetime) -> Answer:
        """Tell the service.

        Raises
        ------
        PeerUnreachable, PeerBusy, PeerRefused
            It was not told.
        """
        item = flagged_work_item(notice, now, retrieve_ae_title=self._retrieve_ae_title)
        try:
            return tell(self._manager, notice, item, self._name, str)
        except PeerRefused as error:
            status = error.facts.get("http_status")
            if notice.kind is not NoticeKind.ACKNOWLEDGED or status not in _WITHOUT_IT:
                raise
            # Somebody has seen it: a service that no longer has it need not know.
            return Answer(code=str(status), reference=item.sop_instance_uid)

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
            "The file with a channel's secret cannot be read", channel=channel.name
        ) from error
