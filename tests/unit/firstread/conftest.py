"""The small chest that these tests read."""

from tests.builders.chest.small_chest import bundles, grey, phantom

__all__ = ["bundles", "grey", "phantom"]
