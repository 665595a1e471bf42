"""Certificates on disk: made into TLS contexts, watched for renewal, and for their end."""
