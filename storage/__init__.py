"""Where instances, results, quarantine and uploads are kept: the data folder, or a bucket."""
