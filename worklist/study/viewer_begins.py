"""What the viewer of a study page begins with: whose slices, and how they are shown first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from database.views.worklist.worklist_facts import ResultFacts
from worklist.page.screens import PageContext
from worklist.viewer.first_view import FirstView, first_view
from worklist.viewer.slice_stack import stack_beside
from worklist.viewer.windows import window_lines


def shown_slices(context: PageContext, result: ResultFacts | None) -> dict[str, Any]:
    """Which result's slices the viewer shows, or why it shows none; and its key slice."""
    if result is None:
        return _no_slices("no result")
    if result.key_picture is None:
        return _no_slices("not analysed" if result.files_removed_at is None else "not kept")
    stack = stack_beside(context, result.key_picture)
    if stack is None:
        return _no_slices("not kept")
    return {
        "result_id": result.id,
        "missing": "",
        "key_slice": stack.key_slice,
        "key_instance": stack.key_instance,
    }


def begun_viewer(
    context: PageContext, result: ResultFacts | None, shown: Mapping[str, Any]
) -> FirstView | None:
    """How the viewer begins with those slices."""
    stack = None if result is None else stack_beside(context, result.key_picture)
    if result is None or stack is None:
        return None
    return first_view(
        stack,
        result.id,
        windows=window_lines(result),
        words=shown["regions"],
        withdrawn=shown["withdrawn"],
    )


def first_fetched(shown: Mapping[str, object]) -> tuple[str, ...]:
    """What the viewer fetches first (`Stack.open` in stack.js): the index and the key slice."""
    slices, key = f"/results/{shown['result_id']}/slices", shown["key_slice"]
    return () if key is None else (slices, f"{slices}/{key}/voxels", f"{slices}/{key}/labels")


def _no_slices(missing: str) -> dict[str, Any]:
    return {"result_id": None, "missing": missing, "key_slice": None, "key_instance": ""}
