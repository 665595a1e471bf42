"""The templates of all rooms: escaped by default, strict about names, with a few filters.

A room keeps its templates in `<room>/templates` and its scripts and styles in `<room>/static`. The
name of either is the room's name and the file's: `study/head.html`, `viewer/viewer.js`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import blake2s
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, PrefixLoader, StrictUndefined

from radiology.errors import Fact
from worklist.page.charts import duration
from worklist.page.csrf import csrf_field, csrf_token
from worklist.page.signed_in import signed_in
from worklist.page.theme_choice import current_theme
from worklist.words.declared_titles import marked
from worklist.words.dimse_status import status_hex, status_words
from worklist.words.explained import GROUPS, explained
from worklist.words.fact_words import fact_words
from worklist.words.stored_words import brief, decision_words, reason_words, rule_words
from worklist.words.study_words import object_verdict, object_words
from worklist.words.translations import install_translations, translated_row
from worklist.words.verdict import WORDS, Kind

_WORKLIST = Path(__file__).resolve().parents[1]


def _folders(kind: str) -> dict[str, Path]:
    return {path.parent.name: path for path in sorted(_WORKLIST.glob(f"*/{kind}"))}


TEMPLATE_FOLDERS = _folders("templates")
STATIC_FOLDERS = _folders("static")


@functools.cache
def make_templates() -> Environment:
    """The template environment of the page: a single environment for the process, without state."""
    templates = Environment(
        loader=PrefixLoader(
            {room: FileSystemLoader(folder) for room, folder in TEMPLATE_FOLDERS.items()}
        ),
        autoescape=True,  # every identifier comes from a data set that anybody may have written
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    install_translations(templates)
    templates.filters.update(
        iso=_iso,
        clock=_clock,
        day=_day,
        decimals=_decimals,
        size=_size,
        fact=_fact,
        duration=duration,
        marked=marked,
        brief=brief,
    )
    templates.globals.update(
        static=_static_addresses(),
        status_hex=status_hex,
        status_words=status_words,
        object_words=object_words,
        object_verdict=object_verdict,
        row_words=translated_row,
        decision_words=decision_words,
        reason_words=reason_words,
        rule_words=rule_words,
        fact_words=fact_words,
        csrf_field=csrf_field,
        csrf_token=csrf_token,
        signed_in=signed_in,
        explained=explained,
        explained_groups=GROUPS,
        current_theme=current_theme,
        kind_words={kind.value: word for kind, word in WORDS.items()},
        kinds=[kind.value for kind in Kind],
    )
    return templates


def _static_addresses() -> Callable[[str], str]:
    """Addresses of static files that change with their content, so they may be cached for ever."""
    digests = {
        f"{room}/{path.name}": blake2s(path.read_bytes(), digest_size=6).hexdigest()
        for room, folder in STATIC_FOLDERS.items()
        for path in folder.iterdir()
    }
    return lambda name: f"/static/{name}?v={digests[name]}"


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _clock(moment: datetime) -> str:
    return moment.astimezone().strftime("%H:%M:%S")


def _day(moment: datetime) -> str:
    return moment.astimezone().strftime("%Y-%m-%d %H:%M")


def _decimals(value: float | None, places: int) -> str:
    """A figure with so many decimals and a true minus sign; a dash where there is none."""
    return "–" if value is None else f"{value:.{places}f}".replace("-", "−")


def _size(count: int) -> str:
    """A size with its unit, which stays on the line of the figure."""
    if count >= 1_000_000_000:
        return f"{count / 1e9:.1f}\N{NO-BREAK SPACE}GB"
    if count >= 100_000:
        return f"{count / 1e6:.1f}\N{NO-BREAK SPACE}MB"
    return f"{count / 1e3:.1f}\N{NO-BREAK SPACE}kB"


def _fact(value: Fact) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
