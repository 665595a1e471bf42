"""Handles a received message: reads it, commits it to the database, then acknowledges it.

HL7 v2.5.1 Sections 2.9.2 and 2.9.3. The answer is AA when what a message says is durable, AR when
it will never be taken as it is, AE when the sender should come again; in the enhanced mode the
sender says which answers it wants.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from database.metrics.counted import count
from database.metrics.declared import HL7_MESSAGES
from database.session import Engine, Session, transaction
from database.studies.assembly import Waits
from database.studies.said_by_hl7 import (
    Moments,
    forget_expired,
    note_message,
    take_order,
    take_report,
    take_values,
    take_visit,
)
from hl7_node.acknowledgement import (
    Acknowledged,
    Condition,
    build_acknowledgement,
    codes_wanted,
)
from hl7_node.read_content import orders_of, reports_of, values_of, visit_of
from hl7_node.read_message import Header, Message, read_header, read_message
from radiology.errors import DatabaseUnavailable, MessageRefused
from settings.environment import Settings
from settings.hl7 import Hl7Listener
from settings.log.log_events import get_logger

_log = get_logger("hl7")
_FORGET_EVERY: Final = timedelta(hours=1)
VERSIONS: Final = ("2.1", "2.2", "2.3", "2.3.1", "2.4", "2.5", "2.5.1", "2.6", "2.7", "2.8")

ORDERS: Final = ("ORM^O01", "OMI^O23")
VISITS: Final = ("ADT^A01", "ADT^A02", "ADT^A03", "ADT^A04", "ADT^A06", "ADT^A07", "ADT^A08")
RESULTS: Final = ("ORU^R01",)

_KIND: Final = re.compile(r"[A-Z]{3}\^[A-Z0-9]{3}")
_CONTROL_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")

Take = Callable[[Session, Moments], None]


class MessageReceiver:
    """Takes messages; used by all connections at once.

    Parameters
    ----------
    settings : those of the queue decide how long a priority may wait; the site's time zone
    clock : gives the moment, with its time zone
    """

    def __init__(
        self,
        settings: Settings,
        listener: Hl7Listener,
        engine: Engine,
        clock: Callable[[], datetime],
    ) -> None:
        self._waits = Waits(settings.wait_high_s, settings.wait_routine_s, settings.wait_low_s)
        self._listener = listener.at_site(settings.time_zone)
        self._engine = engine
        self._clock = clock
        self._forgotten_at: datetime | None = None

    def receive(self, content: bytes) -> tuple[str, ...]:
        """Take one message, as it came in its frame; returns the acknowledgements, maybe none."""
        now = self._clock()
        header: Header | None = None
        try:
            message = read_message(content, default_zone=self._listener.zone)
            header = message.header
            take = self._understood(message, now)
            self._keep(message, content, take, now)
        except MessageRefused as error:
            return self.refuse(header or read_header(content), error)
        except DatabaseUnavailable as error:
            _log.error("message_not_kept", error_kind=error.kind)
            _count(header, "not_kept")
            return self._answers(header, Acknowledged.ERROR, now, error)
        _count(header, "taken")
        return self._answers(header, Acknowledged.ACCEPTED, now)

    def refuse(self, header: Header | None, error: MessageRefused) -> tuple[str, ...]:
        """What is answered to a message that is not taken, and the event for the administrator."""
        _log.warning(
            "message_refused",
            kind=_loggable(header),
            control_id=_plain(header.control_id) if header else "",
            reason=error.message,
        )
        _count(header, "refused")
        return self._answers(header, Acknowledged.REJECTED, self._clock(), error)

    def _answers(
        self,
        header: Header | None,
        outcome: Acknowledged,
        now: datetime,
        error: MessageRefused | DatabaseUnavailable | None = None,
    ) -> tuple[str, ...]:
        condition = None
        if isinstance(error, DatabaseUnavailable):
            condition = Condition.INTERNAL_ERROR
        elif error is not None:
            condition = Condition(str(error.facts.get("condition", Condition.SEGMENT_SEQUENCE)))
        return tuple(
            build_acknowledgement(
                header,
                code,
                receiving_application=self._listener.receiving_application,
                control_id=uuid.uuid4().hex[:20],  # only has to be unlike the others
                now=now,
                reason=error.message if error is not None else "",
                condition=condition,
            )
            for code in codes_wanted(header, outcome)
        )

    def _understood(self, message: Message, now: datetime) -> Take:
        """What is to be done with a message, found out before anything is written.

        Raises
        ------
        MessageRefused
            It is not from one who may send, of a kind that we do not take, or lacks a field.
        """
        header = message.header
        allowed = self._listener.sending_applications
        if allowed and header.sending_application not in allowed:
            raise MessageRefused("The sending application is not one that may send")
        if not header.control_id:
            raise MessageRefused(
                "MSH-10 is missing", condition=Condition.REQUIRED_FIELD_MISSING.value
            )
        if not header.version.startswith(VERSIONS):
            raise MessageRefused(
                "The version is not one of HL7 v2", condition=Condition.UNSUPPORTED_VERSION_ID.value
            )
        if len({patient.field(3) for patient in message.all("PID")}) > 1:
            # ORU^R01 may hold several; what follows the second PID is not about the first.
            raise MessageRefused("The message is about several patients: send one for each")
        if header.kind in ORDERS:
            return self._orders(message)
        if header.kind in VISITS:
            return self._visit(message)
        if header.kind in RESULTS:
            return self._results(message, now)
        known = {kind.partition("^")[0] for kind in (*ORDERS, *VISITS, *RESULTS)}
        of_known_type = header.kind.partition("^")[0] in known
        raise MessageRefused(
            "The message is not of a kind that is taken",
            condition=(
                Condition.UNSUPPORTED_EVENT_CODE
                if of_known_type
                else Condition.UNSUPPORTED_MESSAGE_TYPE
            ).value,
        )

    def _orders(self, message: Message) -> Take:
        orders = orders_of(message, self._listener)

        def take(session: Session, moments: Moments) -> None:
            for order in orders:
                take_order(session, order, moments, self._waits)

        if not orders:
            raise MessageRefused(
                "No order in it has an accession number",
                condition=Condition.REQUIRED_FIELD_MISSING.value,
            )
        return take

    def _visit(self, message: Message) -> Take:
        visit = visit_of(message, self._listener)
        if visit is None:
            raise MessageRefused(
                "PID-3 has no identifier of ours", condition=Condition.REQUIRED_FIELD_MISSING.value
            )
        return lambda session, moments: take_visit(session, visit, moments, self._waits)

    def _results(self, message: Message, now: datetime) -> Take:
        """Values and reports. A result about something else is accepted, and nothing is kept."""
        values = values_of(message, self._listener, now)
        reports = reports_of(message, self._listener)

        def take(session: Session, moments: Moments) -> None:
            take_values(session, values, moments, values_hours=self._listener.values_hours)
            for report in reports:
                take_report(session, report, moments)

        return take

    def _keep(self, message: Message, content: bytes, take: Take, now: datetime) -> None:
        """One transaction for the message and all that follows from it."""
        moments = Moments(
            now=now,
            said_at=min(message.header.sent_at or now, now),
            expires_at=now + timedelta(days=self._listener.keep_days),
        )
        with transaction(self._engine) as session:
            if self._forgotten_at is None or now - self._forgotten_at >= _FORGET_EVERY:
                forget_expired(session, now)
                self._forgotten_at = now
            new = note_message(
                session,
                sender=message.header.sender,
                control_id=message.header.control_id,
                sha256=hashlib.sha256(content).hexdigest(),
                kind=message.header.kind,
                moments=moments,
            )
            if new:
                take(session, moments)
        _log.info("message_taken", kind=message.header.kind, repeated=not new)


def _count(header: Header | None, outcome: str) -> None:
    taken = (*ORDERS, *VISITS, *RESULTS)
    kind = header.kind if header is not None and header.kind in taken else "other"
    count(HL7_MESSAGES, kind=kind, outcome=outcome)


def _loggable(header: Header | None) -> str:
    """The kind of a message that was refused, if it is one: what stands there may be anything."""
    return header.kind if header is not None and _KIND.fullmatch(header.kind) else "?"


def _plain(control_id: str) -> str:
    """A control id as it may stand in the log: it might be anything."""
    return control_id if _CONTROL_ID.fullmatch(control_id) else "?"
