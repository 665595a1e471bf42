"""A bundle for chests with its networks loaded, for single slices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chest.model.load import load_model
from chest.slices.read_slice import ChestSliceReader
from chest.slices.tell_slice import tell_slice
from models.catalogue import UsableBundle
from models.readers.slice_reader import GreySlice, SliceRead, SliceReader, SliceToRead
from radiology.algorithm import ExecutionProvider


@dataclass(frozen=True)
class TellingSliceReader:
    """Reads slices and tells what it found as any bundle does."""

    slices: ChestSliceReader

    @property
    def bundle(self) -> UsableBundle:
        """What was loaded."""
        return self.slices.model.bundle

    def read_slice(self, given: SliceToRead) -> SliceRead:
        """Find, measure and classify."""
        if isinstance(given, GreySlice):
            return tell_slice(self.slices.read_grey(given.levels), self.slices.model, None)
        hounsfield = np.ascontiguousarray(given.volume.hounsfield[0])
        reading = self.slices.read_hounsfield(hounsfield, given.spacing_mm)
        return tell_slice(reading, self.slices.model, given.spacing_mm)


def open_chest_slices(
    bundle: UsableBundle, *, provider: ExecutionProvider, threads: int
) -> SliceReader:
    """Load a bundle of either schema for slices; see `models.readers.open_reader`."""
    model = load_model(bundle, provider=provider, threads=threads)
    return TellingSliceReader(ChestSliceReader(model))
