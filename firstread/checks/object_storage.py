"""The object storage: whether what the settings name takes, gives and removes what is kept."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO

from radiology.errors import ObjectStorageUnavailable
from settings.object_storage import ObjectStorage

_MOST_APART_S = 600.0  # Amazon S3 refuses what is signed more than 15 minutes away


@dataclass(frozen=True, slots=True)
class StorageProbe:
    """What was seen of a bucket.

    Attributes
    ----------
    keeps_versions : of what is overwritten or removed; None: it does not tell us
    apart_s : its clock before ours
    """

    keeps_versions: bool | None
    apart_s: float

    @property
    def is_apart(self) -> bool:
        """Whether the clocks are so far apart that requests will soon be refused."""
        return abs(self.apart_s) >= _MOST_APART_S


def probe_storage(storage: ObjectStorage) -> StorageProbe:
    """Write an object, read it, list it and remove it again.

    Raises
    ------
    ObjectStorageUnavailable
        It does not answer, or refuses one of these.
    SettingsRefused
        The file of the secret key cannot be read.
    """
    from storage.bucket import Bucket  # here: only a site that has one loads its client

    bucket = Bucket(storage)
    apart_s = (bucket.clock() - datetime.now(UTC)).total_seconds()
    name = f"{storage.prefix}/hosts/.probe-{uuid.uuid4().hex}"
    bucket.put_bytes(name, name.encode())
    try:
        read = BytesIO()
        bucket.get(name, read)
        listed = [one for one, _ in bucket.below(name)]
    finally:
        bucket.remove(name)
    if read.getvalue() != name.encode() or listed != [name]:
        raise ObjectStorageUnavailable("The object storage does not give back what it has taken")
    return StorageProbe(bucket.keeps_versions(), apart_s)
