"""The kinds of phantoms that can be asked for; making one is in `make_kind`."""

from __future__ import annotations

from enum import StrEnum


class PhantomKind(StrEnum):
    """How ill a phantom is, from healthy on: in this order the demo sends them."""

    HEALTHY = "healthy"
    DISEASED = "diseased"
    GRAVELY_DISEASED = "gravely-diseased"

    @property
    def words(self) -> str:
        """For a sentence."""
        return self.value.replace("-", " ")
