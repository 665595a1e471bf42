"""What a process does for the copies in its data folder, where files are kept in a bucket."""

from __future__ import annotations

from collections.abc import Callable

from settings.environment import Settings


def keep_cache(settings: Settings) -> Callable[[], None]:
    """Begin to keep the copies of this data folder; gives what ends it.

    Nothing is begun where files are kept in the data folder itself. To be called after a fork.
    """
    if settings.object_storage is None:
        return lambda: None
    # Here: it loads the client of the bucket.
    from storage.cache_keeper import begin_to_keep

    return begin_to_keep(settings, settings.object_storage.sweep_s)
