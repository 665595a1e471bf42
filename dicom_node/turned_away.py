"""Notes callers that were turned away, as log events and as rows for the administration page.

A port scanner, or a device that is set up wrongly and tries every second, must not fill the
database: of what is repeated the page gets one row in ten minutes, and so many of what one address
says, whatever it calls itself. The log has each.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from database.accounts.audit import Actor, record_audit
from database.events import record_event
from database.session import Engine, transaction
from dicom_node.security.handshake_fault import HandshakeFailed, HandshakeFault
from radiology.errors import DatabaseUnavailable
from settings.log.log_events import get_logger

ASSOCIATION_REJECTED: Final = "association_rejected"
CONNECTION_NOT_SECURED: Final = "connection_not_secured"

_log = get_logger("node")
_NOTED_AGAIN_S: Final = 600.0
_MOST_NOTED: Final = 1000  # within that time
_MOST_OF_ONE: Final = 20  # address
_NOBODY: Final = "unknown"  # a caller that has not said who it is


class TurnedAway:
    """Takes note of callers that were turned away; used by several threads."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock
        self._noted: OrderedDict[tuple[str, ...], float] = OrderedDict()  # the oldest first
        self._turn = threading.Lock()

    def rejected(self, facts: dict[str, Any], reason: str, hint: str) -> bool:
        """An association was rejected; whether it is worth rows.

        Parameters
        ----------
        facts : identifiers of the association
        reason : a word that does not change
        hint : what to change, and where
        """
        _log.warning(ASSOCIATION_REJECTED, **facts, reason=reason, hint=hint)
        title, address = str(facts.get("calling_ae_title", "")), str(facts.get("address", ""))
        return self._note(ASSOCIATION_REJECTED, title, address, reason, hint)

    def not_secured(self, address: str, failure: HandshakeFailed) -> None:
        """There was no encrypted connection, and so no association."""
        if failure.fault is HandshakeFault.CLOSED:  # a health check of a load balancer
            _log.debug(CONNECTION_NOT_SECURED, address=address, reason=failure.fault.value)
            return
        reason, hint = failure.fault.value, failure.hint
        _log.warning(CONNECTION_NOT_SECURED, address=address, reason=reason, hint=hint)
        self._note(CONNECTION_NOT_SECURED, "", address, reason, hint)

    def _note(self, name: str, title: str, address: str, reason: str, hint: str) -> bool:
        """Make the rows, if they are due; whether they are."""
        if not self._is_due((address, name, title, reason)):
            return False
        facts: dict[str, Any] = {"calling_ae_title": title, "address": address}
        facts |= {"reason": reason, "hint": hint}
        try:
            with transaction(self._engine) as session:
                now = self._clock()
                record_event(session, name, now, **facts)
                record_audit(  # PS3.15 A.5.3.11: node authentication that failed
                    session,
                    name,
                    now,
                    Actor(title or _NOBODY, "", address),
                    succeeded=False,
                    ae_title=title,
                    address=address,
                    reason=reason,
                )
        except DatabaseUnavailable:
            _log.error("database_unavailable", address=address)
        return True

    def _is_due(self, key: tuple[str, ...]) -> bool:
        now = time.monotonic()
        with self._turn:
            while self._noted and now - next(iter(self._noted.values())) >= _NOTED_AGAIN_S:
                self._noted.popitem(last=False)
            address = key[0]
            of_one = sum(known[0] == address for known in self._noted)
            if key in self._noted or of_one >= _MOST_OF_ONE or len(self._noted) >= _MOST_NOTED:
                return False
            self._noted[key] = now
            return True
