"""The rows of the worklist page's list, of any date."""

from __future__ import annotations

from datetime import UTC, datetime

from database.session import Session
from database.views.worklist.list_page import worklist_page
from database.views.worklist.worklist_facts import WorklistRow
from settings.page.worklist_order import WorklistOrder


def listed_rows(session: Session) -> tuple[WorklistRow, ...]:
    """The first page of the list as a site has it that set nothing."""
    return worklist_page(session, WorklistOrder(), datetime.now(UTC)).rows
