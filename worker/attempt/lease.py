"""Holds a claimed row during an attempt: a thread renews the lease and records the progress."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from database.lease import LeaseLost
from database.session import Engine, Session, transaction
from radiology.errors import DatabaseUnavailable
from settings.log.log_events import get_logger

_log = get_logger("lease")
_RENEWALS_PER_LEASE = 3  # two renewals may fail before the lease runs out


class Lease:
    """Renews a claim until the block ends; `check()` raises once another worker has the row.

    Parameters
    ----------
    renew : holds the claim for another `lease_s` and notes how many percent are done; raises
        LeaseLost when it is somebody else's. None: the claim is long enough as it is.
    """

    def __init__(
        self,
        engine: Engine,
        renew: Callable[[Session, int], None] | None,
        *,
        lease_s: float,
    ) -> None:
        self._engine = engine
        self._renew = renew
        self._lease_s = lease_s
        self._ended = threading.Event()
        self._lost = threading.Event()
        # In our context: what it logs names the row.
        context = contextvars.copy_context()
        self._thread = threading.Thread(
            target=context.run, args=(self._renew_until_ended,), name="lease", daemon=True
        )
        self.progress_percent = 0

    def check(self) -> None:
        """Raise LeaseLost if the row is somebody else's by now."""
        if self._lost.is_set():
            raise LeaseLost

    def __enter__(self) -> Self:
        if self._renew is not None:
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        if self._renew is not None:
            self._thread.join()

    def _renew_until_ended(self) -> None:
        assert self._renew is not None
        while not self._ended.wait(self._lease_s / _RENEWALS_PER_LEASE):
            try:
                with transaction(self._engine) as session:
                    self._renew(session, self.progress_percent)
            except LeaseLost:
                self._lost.set()
                return
            except DatabaseUnavailable as error:
                _log.warning("lease_not_renewed", error_kind=error.kind)
