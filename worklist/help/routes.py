"""The help page. It tells of no patient and of no site, so it asks nobody to sign in."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import HTMLResponse

from worklist.help.advice import FOR_ADMINISTRATORS, FOR_READERS
from worklist.page.screens import PageContext


def help_routes(context: PageContext) -> APIRouter:
    """`GET /help`."""
    router = APIRouter(default_response_class=HTMLResponse)

    @router.get("/help")
    def page() -> str:
        return context.templates.get_template("help/help.html").render(
            title="Help",
            urgent=None,
            advice=(("readers", "For readers", FOR_READERS),
                    ("administrators", "For administrators", FOR_ADMINISTRATORS)),
        )  # fmt: skip

    return router
