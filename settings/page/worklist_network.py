"""The worklist page on a network: its host names, and where TLS ends."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, IPvAnyNetwork, model_validator


class WorklistNetwork(BaseModel):
    """How the page is reached from other machines.

    Attributes
    ----------
    names : host names under which the page answers besides those of the machine itself
    certificate, key : PEM files; with them the page itself speaks TLS
    behind_proxy : addresses or networks of the reverse proxies that speak TLS for the page; only
        their X-Forwarded-For and X-Forwarded-Proto are believed
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    names: tuple[str, ...] = ()
    certificate: Path | None = None
    key: Path | None = None
    behind_proxy: tuple[IPvAnyNetwork, ...] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key belong together")
        if self.behind_proxy and not self.names:
            raise ValueError("behind_proxy needs names: the host names that browsers ask for")
        return self

    @property
    def encrypted(self) -> bool:
        """Whether what other machines see of the page is encrypted."""
        return self.certificate is not None or bool(self.behind_proxy)
