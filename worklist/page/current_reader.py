"""The person at the page, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, HTTPException, Request

from settings.page.sign_in import Role

__all__ = ["AT_THIS_MACHINE", "Administrator", "CurrentReader", "PageReader", "Role"]


@dataclass(frozen=True, slots=True)
class PageReader:
    """A person at the page.

    Attributes
    ----------
    name : what they sign in with; it stands in audit events, feedback and acknowledgements
    """

    name: str
    roles: frozenset[Role]

    def may(self, role: Role) -> bool:
        """Whether they hold a role, or one above it."""
        return role in self.roles or Role.ADMINISTRATOR in self.roles


AT_THIS_MACHINE = PageReader("local", frozenset(Role))
"""Whoever sits at the machine, where nobody has an account."""


def current_reader(request: Request) -> PageReader:
    """Whoever sent a request: the signed-in reader, else the user of this machine."""
    reader = getattr(request.state, "reader", None)
    return reader if isinstance(reader, PageReader) else AT_THIS_MACHINE


def administrator(request: Request) -> PageReader:
    """Whoever sent a request, if they are an administrator; status 403 otherwise."""
    reader = current_reader(request)
    if not reader.may(Role.ADMINISTRATOR):
        raise HTTPException(403)
    return reader


CurrentReader = Annotated[PageReader, Depends(current_reader)]
Administrator = Annotated[PageReader, Depends(administrator)]
