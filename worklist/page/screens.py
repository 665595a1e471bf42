"""Screens, made of parts: pieces of HTML, each with a digest of its content.

The page and its live updates are made of the same parts, so an update looks like a reload. Only
parts with a changed digest are sent to the browser.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2s

from jinja2 import Environment

from database.session import Engine
from settings.environment import Settings
from worklist.words.translations import current_language


@dataclass(frozen=True, slots=True)
class PageContext:
    """What the routes work with."""

    settings: Settings
    engine: Engine
    templates: Environment
    clock: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a screen. Its HTML has one root element that carries key and digest."""

    key: str
    digest: str
    html: str


@dataclass(frozen=True, slots=True)
class Screen:
    """All parts of a screen.

    Attributes
    ----------
    title : of the browser's tab
    rows : the parts that stand in the list, in their order; None on a screen without a list
    urgent : how many studies are urgent; None on a screen that does not say so
    ahead : addresses that its scripts fetch first; a browser need not wait for the scripts
    still : HTML that stands in the page as it is opened, and that no live update swaps
    picture : address of the picture in it that is looked at first; "" where there is none
    """

    title: str
    parts: tuple[Part, ...]
    rows: tuple[Part, ...] | None = None
    urgent: int | None = None
    ahead: tuple[str, ...] = ()
    still: str = ""
    picture: str = ""

    @property
    def all_parts(self) -> Iterable[Part]:
        """Rows and other parts."""
        return (*self.parts, *(self.rows or ()))

    @property
    def order(self) -> list[str] | None:
        """Keys of the rows in their order."""
        return None if self.rows is None else [part.key for part in self.rows]

    def html(self, key: str) -> str:
        """The HTML of one part."""
        return next(part.html for part in self.parts if part.key == key)


def make_part(templates: Environment, template: str, key: str, **values: object) -> Part:
    """Render a part in the language of the request.

    The digest is that of the values, which are frozen and print alike, and of the language.
    """
    shown = (current_language().value, sorted(values.items()))
    digest = blake2s(repr(shown).encode(), digest_size=8).hexdigest()
    html = templates.get_template(template).render(key=key, digest=digest, **values)
    return Part(key, digest, html.strip())
