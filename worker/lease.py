"""Holding a job while it is worked on: a thread renews the lease and says how far the work is."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from types import TracebackType
from typing import Self

from database.jobs import Claim, renew_lease
from database.lease import LeaseLost
from database.session import Engine, transaction
from radiology.errors import DatabaseUnavailable
from settings.log_events import get_logger

_log = get_logger("lease")
_RENEWALS_PER_LEASE = 3  # two renewals may fail before the lease runs out


class Lease:
    """Renews a claim until the block ends; `check()` raises once another worker has the job."""

    def __init__(
        self, engine: Engine, claim: Claim, *, lease_s: float, clock: Callable[[], datetime]
    ) -> None:
        self._engine = engine
        self._claim = claim
        self._lease_s = lease_s
        self._clock = clock
        self._ended = threading.Event()
        self._lost = threading.Event()
        self._thread = threading.Thread(target=self._renew_until_ended, name="lease", daemon=True)
        self.progress_percent = 0

    def check(self) -> None:
        """Raise LeaseLost if the job is somebody else's by now."""
        if self._lost.is_set():
            raise LeaseLost

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _renew_until_ended(self) -> None:
        while not self._ended.wait(self._lease_s / _RENEWALS_PER_LEASE):
            try:
                with transaction(self._engine) as session:
                    renew_lease(
                        session,
                        self._claim,
                        lease_s=self._lease_s,
                        progress_percent=self.progress_percent,
                        now=self._clock(),
                    )
            except LeaseLost:
                self._lost.set()
                return
            except DatabaseUnavailable as error:
                _log.warning("lease_not_renewed", job_id=self._claim.job_id, error_kind=error.kind)
