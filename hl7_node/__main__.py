"""`python -m hl7_node`: read the settings, start the listener, stop it cleanly on SIGTERM."""

from __future__ import annotations

import signal
import sys
import threading
from datetime import UTC, datetime

from database.process_signs import give_signs
from database.schema import check_schema
from database.session import open_engine
from hl7_node.listener import start_listener
from radiology.errors import FirstreadError, Refused, SettingsRefused
from settings.environment import read_settings
from settings.log.log_events import configure_logging, get_logger

_log = get_logger("hl7")


def main() -> int:
    """Run the listener until SIGTERM or Ctrl-C; returns the exit code: 2 if refused."""
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stopped.set())
    try:
        settings = read_settings()
        configure_logging(settings)
        if settings.hl7_listener is None:
            raise SettingsRefused("There is no hl7_listener in the settings; see docs/hl7.md")
        engine = open_engine(settings.database_address)
        check_schema(engine)
        listener = start_listener(settings, settings.hl7_listener, engine)
        end_signs = give_signs(engine, "hl7", lambda: datetime.now(UTC))
    except FirstreadError as error:
        _log.error("hl7_not_started", error_kind=error.kind, message=str(error))
        return 2 if isinstance(error, Refused) else 1  # 2: trying again would change nothing
    stopped.wait()
    listener.stop()
    end_signs()
    return 0


if __name__ == "__main__":
    sys.exit(main())
