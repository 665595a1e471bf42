"""Uploads: their largest size, and how long their answers are kept."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class UploadLimits(BaseModel):
    """What an upload may be; whatever is beyond is refused with the reason.

    Attributes
    ----------
    most_bytes : of one upload as it comes over the network
    most_unpacked_bytes : of all its files together, out of their zip archives; and of one deflated
        data set
    most_files : received, or in the archives
    most_ratio : a file in an archive may be so many times larger than it is packed
    most_pixels : of one slice
    most_voxels : of the series that is read
    most_memory_bytes : of the process that inspects the untrusted upload
    look_through_s : how long that process may take
    receive_s : how long the transfer may take
    keep_s : so long after it came an upload is deleted, with its answer
    most_open : uploads that are being received, wait or are read, at a time
    first_retry_s, longest_retry_s, max_attempts : how an upload is tried again
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    most_bytes: int = Field(default=2_000_000_000, gt=0)
    most_unpacked_bytes: int = Field(default=4_000_000_000, gt=0)
    most_files: int = Field(default=5000, ge=1)
    most_ratio: int = Field(default=200, ge=1)
    most_pixels: int = Field(default=4096 * 4096, ge=1, le=4096 * 4096)
    most_voxels: int = Field(default=500_000_000, ge=1, le=2_000_000_000)
    most_memory_bytes: int = Field(default=6_000_000_000, ge=1_000_000_000)
    look_through_s: float = Field(default=180.0, gt=0)
    receive_s: float = Field(default=900.0, gt=0)
    keep_s: float = Field(default=24 * 3600.0, gt=0)
    most_open: int = Field(default=20, ge=1)
    first_retry_s: float = Field(default=2.0, gt=0)
    longest_retry_s: float = Field(default=60.0, gt=0)
    max_attempts: int = Field(default=3, ge=1)
