"""Who looks at the page, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from fastapi import Depends, HTTPException, Request


class Role(StrEnum):
    """What a person may do. An administrator may also do what a reader may."""

    READER = "reader"
    ADMINISTRATOR = "administrator"


@dataclass(frozen=True, slots=True)
class Reader:
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


_AT_THIS_MACHINE = Reader("local", frozenset(Role))


def current_reader(request: Request) -> Reader:
    """Whoever sent a request: the one who signed in, else whoever sits at this machine."""
    reader = getattr(request.state, "reader", None)
    return reader if isinstance(reader, Reader) else _AT_THIS_MACHINE


def administrator(request: Request) -> Reader:
    """Whoever sent a request, if they are an administrator; status 403 otherwise."""
    reader = current_reader(request)
    if not reader.may(Role.ADMINISTRATOR):
        raise HTTPException(403)
    return reader


CurrentReader = Annotated[Reader, Depends(current_reader)]
Administrator = Annotated[Reader, Depends(administrator)]
