"""Uploads to the page: inspected in a separate process, read, answered, deleted.

    inspection   inspect_upload    a child with limits unpacks and tries everything
    answer       analyse_upload    the worker reads what came through, as `firstread predict` does
    sweep        sweep_uploads     requeued from silent workers, deleted after a time

Decoders crash, and archives lie. So a child process with limits of memory and time unpacks, parses
and decodes every upload before a worker does.
"""
