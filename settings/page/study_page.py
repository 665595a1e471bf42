"""The study page: what is stored for it, and the site's viewers that it links to."""

from __future__ import annotations

import re
import string
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

PLACEHOLDERS = ("study_instance_uid", "accession_number", "patient_id")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
# What a browser would run, or read from its own machine, when the link is followed.
_REFUSED_SCHEMES = ("javascript:", "data:", "vbscript:", "file:", "blob:", "about:")


# Beside Firstread's own code, wherever it is started.
_OHIF = Path(__file__).resolve().parents[2] / "build" / "ohif" / "package" / "dist"


class ViewerLink(BaseModel):
    """A viewer of the site that opens a study by an address.

    Attributes
    ----------
    name : what the link says
    url : an address with some of `PLACEHOLDERS` in braces; a brace that is meant is written twice
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=40)
    url: str = Field(min_length=1, max_length=2000)

    @model_validator(mode="after")
    def _check_url(self) -> Self:
        try:
            named = [name for _, name, _, _ in string.Formatter().parse(self.url) if name]
            plain = all(
                not form and not conversion
                for _, name, form, conversion in string.Formatter().parse(self.url)
                if name is not None
            )
        except ValueError as error:
            raise ValueError("url: a brace is not closed") from error
        unknown = sorted(set(named) - set(PLACEHOLDERS))
        if unknown or not plain:
            raise ValueError(f"url: only {', '.join(f'{{{one}}}' for one in PLACEHOLDERS)}")
        if not named:
            raise ValueError("url: it names no study")
        scheme = _SCHEME.match(self.url)
        if scheme is None or scheme.group().lower() in _REFUSED_SCHEMES:
            raise ValueError("url: it begins with the scheme of a viewer, such as https:")
        if self.url[scheme.end() :].startswith("{"):
            raise ValueError("url: the host is not taken from the study")
        return self

    @property
    def is_web(self) -> bool:
        """Whether a browser opens it itself."""
        return self.url.lower().startswith(("https:", "http:"))


class StudyPageSettings(BaseModel):
    """What the study page needs.

    Attributes
    ----------
    keep_slices : keep the slices of each result, which the page's own viewer shows
    viewers : in the order in which they are offered
    ohif_folder : OHIF's built package, which the page serves where it is there
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    keep_slices: bool = True
    viewers: tuple[ViewerLink, ...] = ()
    ohif_folder: Path = _OHIF  # where `make viewer` unpacks it
