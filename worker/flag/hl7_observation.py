"""The HL7 channel: a notice becomes an ORU^R01, sent over MLLP to a system that shows it.

HL7 v2.5.1 Chapter 7; which fields it fills: docs/hl7.md.
"""

from __future__ import annotations

import ssl
from datetime import datetime

from hl7_node.mllp_client import MllpClient, MllpReceiver
from hl7_node.observation_message import (
    ObservationReport,
    Parties,
    Priority,
    Status,
    build_observation_message,
    control_id_of,
)
from radiology.urgency import Urgency
from settings.certificates.contexts import client_context
from settings.certificates.watched import Watched, files_of
from settings.flags import Hl7Channel
from worker.flag.channel import Notice, NoticeKind, Receipt
from worker.flag.study_observations import study_observations

_PRIORITIES = {
    Urgency.URGENT: Priority.STAT,
    Urgency.SUSPECTED: Priority.ASAP,
    Urgency.ROUTINE: Priority.ROUTINE,
}

NOTHING_SENT = Receipt(code="")
"""For a notice that this channel has no message for."""


class Hl7ObservationChannel:
    """One receiver of ORU^R01; see `FlagChannel`.

    Raises
    ------
    SettingsRefused
        A certificate or key that the settings name cannot be read.
    """

    def __init__(self, channel: Hl7Channel) -> None:
        self._channel = channel
        self._client = MllpClient(
            MllpReceiver(
                name=channel.name,
                host=channel.host,
                port=channel.port,
                answer_s=channel.answer_s,
                tls=_watched_context(channel),
            )
        )

    def send(self, notice: Notice, now: datetime) -> Receipt:
        """Tell the receiver, once.

        An acknowledgement is not passed on: ORU^R01 has no word for it.

        Raises
        ------
        PeerRefused
            The receiver will not take the message as it is (AR).
        PeerUnreachable, PeerBusy
            It may take it later; it is sent again with the same control id.
        MessageMalformed
            A value has no place in a message: a defect of ours.
        """
        if notice.kind is NoticeKind.ACKNOWLEDGED:
            return NOTHING_SENT
        message = observation_message(notice, self._channel, now)
        control_id = control_id_of(notice.notice_uid)
        reply = self._client.send(message, control_id)
        return Receipt(code=reply.code, reference=control_id)

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()


def _watched_context(channel: Hl7Channel) -> Watched[ssl.SSLContext] | None:
    tls = channel.tls
    if tls is None:
        return None
    what = f"flag channel {channel.name}"
    return Watched(lambda: client_context(tls, what), files_of(tls), what)


def observation_message(notice: Notice, channel: Hl7Channel, now: datetime) -> str:
    """The message that a notice becomes."""
    report = ObservationReport(
        control_id=control_id_of(notice.notice_uid),
        patient_id=notice.patient_id,
        issuer_of_patient_id=notice.issuer_of_patient_id,
        patient_sex=notice.patient_sex,
        accession_number=notice.accession_number,
        study_instance_uid=notice.study_instance_uid,
        procedure=notice.procedure,
        priority=_priority(notice),
        status=_status(notice.kind, channel),
        observations=study_observations(notice, actionable_category=channel.actionable_category),
        algorithm=_algorithm(notice),
        acquired_at=notice.last_instance_at,
        reported_at=now if notice.kind is NoticeKind.WITHDRAWN else notice.raised_at,
        link="" if channel.link_type == "none" else notice.study_url,
        link_type=channel.link_type,
        processing_id="T" if notice.is_test else "P",
    )
    return build_observation_message(report, _parties(channel), now)


def _parties(channel: Hl7Channel) -> Parties:
    return Parties(
        channel.sending_application,
        channel.sending_facility,
        channel.receiving_application,
        channel.receiving_facility,
    )


def _priority(notice: Notice) -> Priority:
    """What is withdrawn is no more urgent than anything else, and neither is a test."""
    if notice.is_test or notice.kind is NoticeKind.WITHDRAWN:
        return Priority.ROUTINE
    return _PRIORITIES[notice.urgency]


def _status(kind: NoticeKind, channel: Hl7Channel) -> Status:
    """Table 0085: a correction is said of a final result only."""
    if kind is NoticeKind.WITHDRAWN:
        return Status.WRONG
    if kind is NoticeKind.RAISED_AGAIN and channel.result_status == "F":
        return Status.CORRECTED
    return Status(channel.result_status)


def _algorithm(notice: Notice) -> str:
    if notice.read_by or notice.reading is None:
        return notice.read_by
    algorithm = notice.reading.algorithm
    return f"{algorithm.name} {algorithm.version}"
