"""`python -m worklist`: serve the worklist page."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from database.accounts.kept import has_accounts
from database.process_signs import give_signs
from database.schema import check_schema
from database.session import open_engine, query
from radiology.errors import FirstreadError, Refused
from settings.environment import read_settings
from settings.log.log_events import configure_logging, get_logger
from storage.keep_cache import keep_cache
from worklist.app import create_app
from worklist.ready import make_ready
from worklist.server import needs_sign_in, open_socket, serve

_log = get_logger("worklist")
_REFUSED = 2  # as `firstread` does
_NOT_NOW = 1


def main(arguments: Sequence[str] = ()) -> int:
    """Serve until told to stop.

    Returns
    -------
    An exit code: 0 after a stop, 2 when the page cannot be served as it is set up, 1 when something
    is not there for now. The log then says what to change.
    """
    parser = argparse.ArgumentParser(
        prog="python -m worklist", description="Serve the worklist page."
    )
    parser.add_argument(
        "--published-on-loopback",
        action="store_true",
        help="inside a container: allow a host other than 127.0.0.1, because its port is "
        "published on the loopback interface of the host only",
    )
    given = parser.parse_args(list(arguments))
    try:
        settings = read_settings()
        configure_logging(settings)
        engine = open_engine(settings.database_address)
        with query(engine):  # says in a line of our own when the database does not answer
            pass
        check_schema(engine)
        with query(engine) as session:
            anybody = has_accounts(session)
        listener = open_socket(
            settings,
            anybody_has_an_account=anybody,
            published_on_loopback=given.published_on_loopback,
        )
    except FirstreadError as error:
        _log.error("page_not_started", error_kind=error.kind, message=str(error))
        return _REFUSED if isinstance(error, Refused) else _NOT_NOW
    always = needs_sign_in(settings, published_on_loopback=given.published_on_loopback)
    app = create_app(settings, engine, sign_in_always=always)
    end_signs = give_signs(engine, "worklist", lambda: datetime.now(UTC))
    make_ready()
    end_cache = keep_cache(settings)
    serve(app, listener, settings.worklist_network)
    end_cache()
    end_signs()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
