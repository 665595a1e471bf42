"""Sends audit events to the repository of the settings: in their order, each at least once."""

from __future__ import annotations

import functools
import itertools
import socket
import ssl
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from database.accounts.audit import AuditRow, audit_events
from database.audit.seal import chain_ends
from database.audit.sending import SendingClaim, claim_sending, note_sent, postpone_sending
from database.session import Session, query, transaction
from radiology.errors import PeerRefused
from settings.audit import AuditRepository
from settings.certificates.contexts import client_context
from settings.certificates.watched import Watched, files_of
from settings.environment import Settings
from worker.attempt.attempt_next import attempt_next
from worker.attempt.lease import Lease
from worker.attempt.queue import Queue, Unsuccessful
from worker.attempt.retry import Backoff
from worker.audit.message import Source, audit_message
from worker.audit.syslog import SyslogMessage, send_frames, syslog_frame
from worker.equipment import Equipment

_LEASE_S = 300.0  # longer than a batch may take; sending twice does no harm
_BATCH = 200
_NEVER_GIVEN_UP = 2**31


def send_audit_one(equipment: Equipment) -> bool:
    """Send some events; False when there is none to send."""
    return attempt_next(_Sending(equipment), equipment)


def source_of(settings: Settings) -> Source:
    """Who we are in audit messages."""
    title = str(settings.ae_title)
    return Source(settings.audit.source or title, settings.audit.site, title)


class _Sending(Queue[SendingClaim]):
    """The one row that says how far the repository has been told. It is never given up."""

    name = "audit"

    @property
    def backoff(self) -> Backoff:
        repository = self._equipment.settings.audit.repository
        first, longest = (
            (2.0, 300.0)
            if repository is None
            else (repository.first_retry_s, repository.longest_retry_s)
        )
        return Backoff(first, longest, _NEVER_GIVEN_UP, patient=True)

    def claim(self, session: Session, now: datetime) -> SendingClaim | None:
        return claim_sending(session, lease_s=_LEASE_S, now=now)

    def facts(self, claim: SendingClaim) -> Mapping[str, int | str]:
        return {"sent_until": claim.sent_id}

    def attempt(self, claim: SendingClaim, lease: Lease) -> None:
        settings = self._equipment.settings
        repository = settings.audit.repository
        if repository is None:
            raise PeerRefused("The audit repository is not in the settings any more")
        now = self._equipment.clock()
        with query(self._equipment.engine) as session:
            rows = list(itertools.islice(audit_events(session, after=claim.sent_id), _BATCH))
            last = rows[-1].event_id if rows else chain_ends(session).last_id
        if rows:
            self._send(rows, repository)
        with transaction(self._equipment.engine) as session:
            note_sent(session, claim, last, now)

    def _send(self, rows: Sequence[AuditRow], repository: AuditRepository) -> None:
        source, host = source_of(self._equipment.settings), socket.gethostname()
        frames = [
            syslog_frame(
                SyslogMessage(row.event_id, row.at, row.succeeded, audit_message(row, source)), host
            )
            for row in rows
        ]
        context = _watched(repository)()
        send_frames(
            frames, context, repository.host, repository.port, timeout_s=repository.timeout_s
        )

    def settle(self, session: Session, claim: SendingClaim, end: Unsuccessful) -> None:
        # Whatever the ending is called: an audit event is never given up.
        due_at = end.due_at
        if end.decision.delay_s is None:
            delay_s = self.backoff.longest_s
            due_at = end.now + timedelta(seconds=delay_s)
        postpone_sending(session, claim, due_at, **end.fault)


@functools.lru_cache(maxsize=2)
def _watched(repository: AuditRepository) -> Watched[ssl.SSLContext]:
    """One for each process, so that a renewal that fails leaves what there was."""
    tls = repository.tls
    return Watched(
        lambda: client_context(tls, "audit.repository"), files_of(tls), "audit.repository"
    )
