"""The small chest that these tests read, and how they read it.

The bundle is a real one with real networks that know nothing but thresholds, so what must come
out can be worked out from the phantom.
"""

from __future__ import annotations

import pytest

from radiology.algorithm import ExecutionProvider
from settings.environment import Settings
from tests.builders.chest.small_chest import bundles, grey, phantom

__all__ = ["bundles", "grey", "phantom"]


@pytest.fixture
def settings() -> Settings:
    """Give settings that run networks alike on every machine."""
    return Settings(execution_provider=ExecutionProvider.CPU, inference_threads=1)
