"""A small head, read by two bundles that are not of the chest."""

from __future__ import annotations

import pytest
from pydicom import dcmread

from phantom.head.study import write_head_study
from radiology.image.volume import Volume
from tests.builders.declared.patch_segmenter import write_patch_segmenter
from tests.builders.declared.read_heads import in_headers, shown_by, small_head
from tests.builders.declared.slice_scorer import write_slice_scorer
from worker.encode import ResultContext, ShownReading


@pytest.fixture(scope="session")
def head() -> Volume:
    """With a bleeding of 30 ml."""
    return small_head().volume


@pytest.fixture(scope="session")
def outlined(head: Volume, tmp_path_factory: pytest.TempPathFactory) -> ShownReading:
    """Brain and bleedings, by masks."""
    return shown_by(write_patch_segmenter(tmp_path_factory.mktemp("bundles")), head)


@pytest.fixture(scope="session")
def scored(head: Volume, tmp_path_factory: pytest.TempPathFactory) -> ShownReading:
    """Scores of slices and heat maps, without a region."""
    return shown_by(write_slice_scorer(tmp_path_factory.mktemp("bundles")), head)


@pytest.fixture(scope="session")
def context(outlined: ShownReading, tmp_path_factory: pytest.TempPathFactory) -> ResultContext:
    """The head as a study with headers."""
    phantom = small_head()
    files = write_head_study(phantom, tmp_path_factory.mktemp("study"))
    headers = [dcmread(path, stop_before_pixels=True) for path in files]
    return in_headers(outlined, headers)
