"""What a person gave the page: looked through in a process of its own, read, answered, deleted.

    inspection   inspect_upload    a child with limits unpacks and tries everything
    answer       analyse_upload    the worker reads what came through, as `firstread predict` does
    sweep        sweep_uploads     back from the dead, deleted after a time

Decoders crash, and archives lie. So nothing that came by upload is unpacked, parsed or decoded by a
worker before a child process has done the same to it within its limits of memory and time.
"""
