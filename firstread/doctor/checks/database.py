"""The database: whether it answers, has our schema, and how long a commit takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from database.doctor.probe import commit_times, why_unreachable
from database.schema import check_schema
from firstread.doctor.examined_site import ExaminedSite
from firstread.doctor.line import DoctorLine, broken, fine, reason_of, say, warning
from radiology.errors import DatabaseUnavailable, SettingsRefused

SCHEMA: Final = "database.schema"
_SLOW_COMMIT_S: Final = 0.1  # each C-STORE waits for one before it is answered
_TOO_SLOW_COMMIT_S: Final = 2.0


def look_at_database(site: ExaminedSite) -> Iterator[DoctorLine]:
    """Reachable, the revision, the speed of a commit."""
    if not site.has_database:
        yield broken(
            "database.reachable",
            say("There is no database at %(file)s", file=str(site.settings.sqlite_file.resolve())),
            say(
                "Run the doctor in the folder that 'firstread serve' is started in, or let "
                "FIRSTREAD_SETTINGS_FILE name its settings. A new database is made by "
                "'firstread serve'."
            ),
        )
        return
    where = site.engine.url.render_as_string(hide_password=True)
    try:
        check_schema(site.engine)
    except DatabaseUnavailable:
        yield broken(
            "database.reachable",
            say(
                "The database %(where)s does not answer: %(reason)s",
                where=where,
                reason=why_unreachable(site.engine),
            ),
            say(
                "Start the database, or correct database_url: its host, port, user and password. "
                "Senders try again meanwhile; nothing is lost."
            ),
        )
        return
    except SettingsRefused as error:
        yield fine("database.reachable", say("The database %(where)s answers", where=where))
        yield broken(
            SCHEMA,
            say("%(reason)s", reason=reason_of(error)),
            say(
                "An older schema: stop Firstread, make a backup, then 'firstread db upgrade'. A "
                "newer one: install the newer version again."
            ),
        )
        return
    yield fine("database.reachable", say("The database %(where)s answers", where=where))
    yield fine(SCHEMA, say("Its schema is the one of this version"))
    yield _commits(site)


def _commits(site: ExaminedSite) -> DoctorLine:
    name = "database.commit"
    if site.run_id is None:
        return broken(
            name,
            say("The database can be read, but nothing can be written into it"),
            say(
                "Is its disk full or mounted read-only, or does the database user lack the right "
                "to write? Until then every study is refused."
            ),
        )
    times = commit_times(site.engine, site.run_id, site.clock())
    said = say(
        "A commit takes %(median)s ms, the slowest of some %(longest)s ms",
        median=round(1000 * times.median_s, 1),
        longest=round(1000 * times.longest_s, 1),
    )
    cure = say(
        "Each image waits for a commit: put the database on a local solid-state disk, and look "
        "what else writes to the present one."
    )
    if times.median_s > _TOO_SLOW_COMMIT_S:
        return broken(name, said, cure)
    return warning(name, said, cure) if times.median_s > _SLOW_COMMIT_S else fine(name, said)
