"""A bundle of schema 2 with its networks loaded, for single slices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chest.slices.read_slice import ChestSliceReader
from chest.slices.tell_slice import tell_slice
from models.readers.slice_reader import GreySlice, SliceRead, SliceReader, SliceToRead
from models.schema_2.bundle import Bundle
from radiology.algorithm import ExecutionProvider


@dataclass(frozen=True)
class TellingSliceReader:
    """Reads slices and tells what it found as any bundle does."""

    slices: ChestSliceReader

    @property
    def bundle(self) -> Bundle:
        """What was loaded."""
        return self.slices.bundle

    def read_slice(self, given: SliceToRead) -> SliceRead:
        """Find, measure and classify."""
        if isinstance(given, GreySlice):
            return tell_slice(self.slices.read_grey(given.levels), self.bundle, None)
        hounsfield = np.ascontiguousarray(given.volume.hounsfield[0])
        reading = self.slices.read_hounsfield(hounsfield, given.spacing_mm)
        return tell_slice(reading, self.bundle, given.spacing_mm)


def open_chest_slices(bundle: Bundle, *, provider: ExecutionProvider, threads: int) -> SliceReader:
    """Load a bundle of schema 2 for slices; see `models.readers.open_reader`."""
    return TellingSliceReader(ChestSliceReader(bundle, provider=provider, threads=threads))
