"""Runs a step of the sweep: logs its errors, so that the following steps still run.

A step has no row of its own that could fail: the next sweep finds the same thing to do.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import TypeVar

from radiology.errors import DatabaseUnavailable, FirstreadError
from settings.log.log_events import get_logger

_log = get_logger("housekeeping")
T = TypeVar("T")


def attempt_step(step: Callable[[], T], name: str, **facts: int | str) -> T | None:
    """Do one step; what is wrong with one study must not keep the others from being read.

    Parameters
    ----------
    name, facts : what is tried, and identifiers of it, for the log

    Returns
    -------
    What the step gives; None when it went wrong.

    Raises
    ------
    DatabaseUnavailable
        No other step could do anything either.
    """
    try:
        return step()
    except DatabaseUnavailable:
        raise
    except FirstreadError as error:
        _log.warning("step_not_done", step=name, error_kind=error.kind, **facts)
    except Exception as error:  # noqa: BLE001 where a step ends: docs/architecture.md
        # The message of a foreign exception may quote a data set; its type and lines may not.
        trace = "".join(traceback.format_tb(error.__traceback__))
        _log.error("defect", step=name, error_kind=type(error).__name__, trace=trace, **facts)
    return None
