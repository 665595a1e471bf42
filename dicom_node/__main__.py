"""`python -m dicom_node`: read the settings, start the SCPs, stop them cleanly on SIGTERM."""

from __future__ import annotations

import signal
import sys
import threading
from datetime import UTC, datetime

from database.process_signs import give_signs
from database.schema import check_schema
from database.session import open_engine
from dicom_node.node import start_node
from radiology.errors import FirstreadError, Refused
from settings.environment import read_settings
from settings.log.log_events import configure_logging, get_logger
from storage.keep_cache import keep_cache

_log = get_logger("node")


def main() -> int:
    """Run the node until SIGTERM or Ctrl-C; returns the exit code: 2 if refused."""
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stopped.set())
    try:
        settings = read_settings()
        configure_logging(settings)
        engine = open_engine(settings.database_address)
        check_schema(engine)
        node = start_node(settings, engine)
        end_signs = give_signs(engine, "node", lambda: datetime.now(UTC))
        end_cache = keep_cache(settings)
    except FirstreadError as error:
        _log.error("node_not_started", error_kind=error.kind, message=str(error))
        return 2 if isinstance(error, Refused) else 1  # 2: trying again would change nothing
    stopped.wait()
    node.stop()
    end_cache()
    end_signs()
    return 0


if __name__ == "__main__":
    sys.exit(main())
