"""Jobs: waiting, held by a worker, and requeued."""
