"""The help page. It tells of no patient and of no site, so it asks nobody to sign in."""

from __future__ import annotations

from fastapi import APIRouter
from jinja2 import Environment
from markupsafe import Markup
from starlette.responses import HTMLResponse

from worklist.help.advice import FOR_ADMINISTRATORS, FOR_READERS
from worklist.page.screens import PageContext

_WITH_KEYS = ("list/list.html", "study/keys.html")
"""Templates whose block `key_lines` lists the keys of a screen; there it stands in a dialog."""


def help_routes(context: PageContext) -> APIRouter:
    """`GET /help`."""
    router = APIRouter(default_response_class=HTMLResponse)

    @router.get("/help")
    def page() -> str:
        return context.templates.get_template("help/help.html").render(
            title="Help",
            urgent=None,
            keys={name: _key_lines(context.templates, name) for name in _WITH_KEYS},
            advice=(("readers", "For readers", FOR_READERS),
                    ("administrators", "For administrators", FOR_ADMINISTRATORS)),
        )  # fmt: skip

    return router


def _key_lines(templates: Environment, name: str) -> Markup:
    """The keys of a screen as it lists them itself, in the language of the request."""
    template = templates.get_template(name)
    lines = template.blocks["key_lines"](template.new_context())
    return Markup("".join(lines))  # noqa: S704 a template wrote it
