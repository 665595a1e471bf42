"""From a volume to what a network is fed: turned, resampled, cut, its HU made channels."""
