"""Bundles kept loaded within a limit, with real ONNX sessions."""

from __future__ import annotations

import gc
import shutil
import weakref
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from models.readers.slice_reader import GreySlice
from models.release.sign import sign_bundle
from models.signatures.keys import key_text
from radiology.errors import BundleRejected, UploadRefused
from settings.bundle_signatures import BundleSignatures
from settings.environment import ExecutionProvider, Settings, read_settings
from tests.builders.bundles import write_bundle
from tests.builders.declared.slice_scorer import write_slice_scorer
from worker.infer.held_memory import allocated_bytes, held_bytes, resident_bytes
from worker.infer.warm_readers import WarmReaders

NAMES = ("first", "second", "third")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three bundles, and a newer version of the first that lies elsewhere."""
    root = tmp_path_factory.mktemp("bundles")
    for name in NAMES:
        write_bundle(root, name=name)
    write_bundle(root / ".newer", name="first", version="2.1.0")
    return root


@pytest.fixture
def settings(made: Path, tmp_path: Path) -> Settings:
    shutil.copytree(made, tmp_path / "bundles")
    return read_settings(
        bundles_folder=tmp_path / "bundles",
        bundles=list(NAMES),
        bundles_memory_mb=25,
        execution_provider=ExecutionProvider.CPU,
        inference_threads=1,
    )


class Memory:
    """Each bundle that is loaded takes ten megabytes, however small it is."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self) -> int:
        self.asked += 1
        return (self.asked // 2) * 10_000_000


def test_the_one_not_used_for_longest_is_let_go(settings: Settings) -> None:
    """Two of ten fit into twenty-five; what was used last stays, and answers as before."""
    readers = WarmReaders(settings, memory=Memory())
    first = readers.reader_of("first")
    patches = np.zeros((2, 1, 64, 64), np.float32)
    before = first.model.finder.find(patches, 2.0).lesion
    readers.reader_of("second")
    assert readers.reader_of("first") is first
    gone = weakref.ref(readers.reader_of("second"))
    assert readers.reader_of("first") is first
    readers.reader_of("third")
    assert [one.name for one in readers.loaded] == ["first", "third"]
    assert readers.memory_bytes == 20_000_000
    gc.collect()
    assert gone() is None
    after = first.model.finder.find(patches, 2.0).lesion
    np.testing.assert_array_equal(after, before)


def test_one_that_is_larger_than_the_limit_is_kept_alone(settings: Settings) -> None:
    """The bundle that reads is never let go."""
    small = settings.model_copy(update={"bundles_memory_mb": 1})
    readers = WarmReaders(small, memory=Memory())
    for name in NAMES:
        assert readers.reader_of(name).bundle.name == name
        assert [one.name for one in readers.loaded] == [name]


def test_what_is_measured_is_at_least_what_lies_on_disk(settings: Settings) -> None:
    """A process says what it holds, and memory of a GPU counts by the networks' size."""
    assert resident_bytes() > 10_000_000
    assert held_bytes() > 10_000_000
    readers = WarmReaders(settings, memory=lambda: 0)
    folder = readers.reader_of("first").bundle.folder
    size = sum(path.stat().st_size for path in folder.glob("*.onnx"))
    assert [one.memory_bytes for one in readers.loaded] == [size]


@pytest.mark.skipif(not allocated_bytes(), reason="the C library does not say what is allocated")
def test_a_small_bundle_counts_with_what_it_takes(settings: Settings) -> None:
    """Freed memory that is used again counts too: the session is more than the file."""
    folder = write_slice_scorer(settings.bundles_folder)
    name = folder.parent.name
    blocks = [bytearray(100_000) for _ in range(500)]
    del blocks  # freed, and resident as long as the C library keeps it
    readers = WarmReaders(settings)
    readers.reader_of(name)
    (first,) = readers.loaded
    size = sum(path.stat().st_size for path in folder.glob("*.onnx"))
    assert first.memory_bytes > 10 * size
    again = WarmReaders(settings)
    again.reader_of(name)
    (second,) = again.loaded
    assert second.memory_bytes == pytest.approx(first.memory_bytes, rel=0.5)


def test_a_new_version_is_used_without_a_restart(settings: Settings) -> None:
    """The newest usable one at the moment of asking; a damaged one is passed over."""
    readers = WarmReaders(settings)
    old = readers.reader_of("first")
    folder = settings.bundles_folder
    (folder / ".newer" / "first" / "2.1.0").rename(folder / "first" / "2.1.0")
    new = readers.reader_of("first")
    assert (old.bundle.version, new.bundle.version) == ("2.0.0", "2.1.0")
    assert [one.version for one in readers.loaded] == ["2.1.0"]
    (folder / "first" / "2.1.0" / "segmentation.onnx").write_bytes(b"damaged")
    (folder / "first" / "2.1.0" / "bundle.toml").touch()
    assert readers.reader_of("first").bundle.version == "2.0.0"


def test_a_bundle_that_is_not_there_takes_nothing_with_it(settings: Settings) -> None:
    """The others go on reading."""
    readers = WarmReaders(settings)
    first = readers.reader_of("first")
    with pytest.raises(BundleRejected):
        readers.reader_of("fourth")
    assert readers.reader_of("first") is first


def test_slices_are_read_by_the_bundle_that_is_kept(settings: Settings) -> None:
    """Their networks are loaded once; nothing is claimed of a white picture."""
    readers = WarmReaders(settings)
    slices = readers.slice_reader_of("first")
    assert readers.slice_reader_of("first") is slices
    assert slices.bundle is readers.reader_of("first").bundle
    read = slices.read_slice(GreySlice(np.full((64, 64), 255, np.uint8)))
    assert (read.assessable, read.answer["assessable"], read.lines) == (False, False, ())


def test_a_bundle_for_studies_alone_refuses_slices(settings: Settings) -> None:
    """Schema 3 declares no single slices."""
    folder = write_slice_scorer(settings.bundles_folder)
    with pytest.raises(UploadRefused, match="for whole studies, not for slices"):
        WarmReaders(settings).slice_reader_of(folder.parent.name)


def test_a_strict_site_reads_with_what_it_has_signed(settings: Settings) -> None:
    """Without a signature nothing is loaded; once it is there, without a restart."""
    key = Ed25519PrivateKey.generate()
    ours = BundleSignatures(required=True, trusted_keys={"ours": key_text(key.public_key())})
    readers = WarmReaders(settings.model_copy(update={"bundle_signatures": ours}))
    with pytest.raises(BundleRejected, match=r"first/2\.0\.0: The bundle is not signed"):
        readers.reader_of("first")
    sign_bundle(settings.bundles_folder / "first" / "2.0.0", key)
    assert readers.reader_of("first").bundle.version == "2.0.0"
