"""Makes network input of a volume: turned, resampled, cropped, HU mapped to channels."""
