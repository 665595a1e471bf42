"""Latin words that a page says: what is left of English on a page in another language."""

from __future__ import annotations

import re
from html.parser import HTMLParser

_WORD = re.compile(r"[A-Za-z][A-Za-z'’-]*[A-Za-z]")
_SPOKEN = ("alt", "title", "placeholder", "label")
_SILENT = {"style", "script", "code", "kbd", "pre"}
_VOID = {"input", "img", "br", "hr", "meta", "link", "source", "wbr", "col"}
# What a script says it takes from such attributes; the others are addresses and keys.
_OF_SCRIPTS = re.compile(r"data-(.*-words|on|off|blocked|now|soon|seconds|minutes|hours|days|ago"
                         r"|ahead|live|lost|unavailable|urgent|this-urgent|elsewhere|sending|of"
                         r"|sent|too-large|too-many|nothing|broken|busy|stopped)")  # fmt: skip


def latin_words(html: str, *, bundles_own: bool = False) -> list[tuple[str, str]]:
    """Each Latin word of two letters or more, with the text in which it stands.

    Parameters
    ----------
    bundles_own : leave out what the page marks as English (WCAG 3.1.2): titles that a bundle
        declares, and has no other words for; attributes then too, since they cannot be marked
    """
    reader = _Spoken(bundles_own)
    reader.feed(html)
    return [(word, text) for text in reader.texts for word in _WORD.findall(_PLACES.sub("", text))]


_PLACES = re.compile(r"\{\w+\}")  # that a script fills


class _Spoken(HTMLParser):
    """Collects what is read or spoken; not what is an identifier by its element."""

    def __init__(self, bundles_own: bool) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._bundles_own = bundles_own
        self._open: list[bool] = []  # of each open element, whether it is silent

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        of = {name: value or "" for name, value in attrs}
        spoken = [
            value
            for name, value in of.items()
            if name in _SPOKEN
            or (name.startswith("aria-") and name in _ARIA)
            or (_OF_SCRIPTS.fullmatch(name) and tag != "script")
        ]
        if not self._bundles_own:
            self.texts += [value for value in spoken if value]
        if tag in _VOID:
            return
        silent = tag in _SILENT or "uid" in of.get("class", "").split()
        other = of.get("lang") == "en-GB" and tag != "html"
        name_of_language = other and tag == "button"
        self._open.append(silent or name_of_language or (other and self._bundles_own))

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID and self._open:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if data.strip() and not any(self._open):
            self.texts.append(" ".join(data.split()))


_ARIA = {"aria-label", "aria-description", "aria-valuetext", "aria-roledescription"}
