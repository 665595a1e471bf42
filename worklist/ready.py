"""Makes a page ready for its first reader."""

from __future__ import annotations

import gc

from database.schema import prepare_tables
from worklist.page.templates import make_templates


def make_ready() -> None:
    """Make what every request needs now, and let no collection look through it afterwards.

    Call it when everything is there and nobody is answered yet. A full collection of Python's looks
    at every object that may refer to others. Code, tables and templates of a page are 200,000 of
    them, which takes 0.1 to 0.3 s in which nobody is answered, and they stay until its end anyway.
    Without them it takes 0.03 s (docs/benchmarks.md, "Retention").
    """
    prepare_tables()
    templates = make_templates()
    for name in templates.list_templates():
        templates.get_template(name)
    gc.collect()
    gc.freeze()
