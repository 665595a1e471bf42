"""Links that open a study in the site's own viewers.

Accession number and patient ID come from data sets that anybody may have written. Each value is
escaped for an address (RFC 3986), and a link is left out where that is not enough.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from database.views.worklist.worklist_facts import StudyFacts
from settings.page.study_page import PLACEHOLDERS, ViewerLink
from worklist.ohif.installed import OHIF

# A viewer that is started as a program reads the unescaped value as part of a command line:
# a quotation mark would end an argument there and begin another.
_HARMLESS = re.compile(r"[A-Za-z0-9._-]+(?: [A-Za-z0-9._-]+)*")
_STEPS = (".", "..")  # a browser resolves them in a path, escaped or not


@dataclass(frozen=True, slots=True)
class ViewerLine:
    """One viewer; `address` is empty where `reason` says why there is no link."""

    name: str
    address: str
    reason: str = ""


def viewer_lines(
    viewers: tuple[ViewerLink, ...],
    study: StudyFacts,
    *,
    own_viewer: bool = False,
    key_instance: str = "",
) -> tuple[ViewerLine, ...]:
    """A line for each viewer of the settings, in their order.

    Parameters
    ----------
    own_viewer : whether OHIF is installed here: it is offered where the settings name no viewer
    key_instance : SOP Instance UID of the slice that it shows first; "" where none is known
    """
    if own_viewer and not viewers:
        asked = {"StudyInstanceUIDs": study.study_instance_uid}
        if key_instance:
            asked["initialSOPInstanceUID"] = key_instance
        return (ViewerLine("OHIF", f"{OHIF}/viewer?{urlencode(asked)}"),)
    return tuple(_line(viewer, study) for viewer in viewers)


def _line(viewer: ViewerLink, study: StudyFacts) -> ViewerLine:
    values = {name: str(getattr(study, name)).strip() for name in PLACEHOLDERS}
    used = [value for name, value in values.items() if f"{{{name}}}" in viewer.url]
    if not all(used):
        return ViewerLine(viewer.name, "", "the study lacks an identifier that the viewer needs")
    if any(value in _STEPS for value in used) or not (
        viewer.is_web or all(_HARMLESS.fullmatch(value) for value in used)
    ):
        return ViewerLine(
            viewer.name, "", "an identifier of the study has characters that cannot be passed on"
        )
    escaped = {name: quote(value, safe="") for name, value in values.items()}
    return ViewerLine(viewer.name, viewer.url.format(**escaped))
