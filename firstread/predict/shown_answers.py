"""Shows the answers of `firstread predict` to a person: one row or line for each, no names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table


def show_answers(predictions: Sequence[Mapping[str, Any]], console: Console) -> None:
    """Print what was read and what came out: a table on a terminal, lines elsewhere.

    Parameters
    ----------
    predictions : the entries of the JSON object
    """
    if not console.is_terminal:
        for one in predictions:
            called = " ".join(part for part in (one["path"], one["study_instance_uid"]) if part)
            console.print(f"{called}: {_said(one)}", markup=False)
        return
    table = Table("Path", "Study Instance UID", "Read as", "Answer")
    for one in predictions:
        # Cells are text of ours and of file names, which may hold what rich takes for markup.
        cells = (one["path"], one["study_instance_uid"] or "", one["kind"] or "", _said(one))
        table.add_row(*map(_plain, cells))
    console.print(table)


def _plain(text: str) -> str:
    return text.replace("[", "\\[")


def _said(entry: Mapping[str, Any]) -> str:
    left_out = entry["left_out_files"]
    beside = f"; {left_out} files beside it are no DICOM instances" if left_out else ""
    if (error := entry.get("error")) is not None:
        reasons = f": {'; '.join(error['reasons'])}" if error["reasons"] else _facts(error["facts"])
        return f"{error['kind']}: {error['message']}{reasons}{beside}"
    answer = entry["answer"]
    said = _of_study(answer) if entry["kind"] == "study" else _of_slice(answer)
    return f"{entry['kind']} read, {said}{beside}"


def _facts(facts: Mapping[str, Any]) -> str:
    listed = ", ".join(f"{name}={value}" for name, value in facts.items())
    return f" ({listed})" if listed else ""


def _of_study(answer: Mapping[str, Any]) -> str:
    outcome = str(answer["outcome"]).replace("_", " ")
    urgency = answer.get("urgency")
    return outcome if urgency is None else f"{outcome}, {urgency}"


def _of_slice(answer: Mapping[str, Any]) -> str:
    if not answer["assessable"]:
        return f"not assessable: {answer['reason']}"
    return f"lesions cover {answer['lesion_share_percent']:.1f} % of the lung"
