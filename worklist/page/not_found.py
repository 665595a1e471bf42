"""Errors for an address that names something the database does not hold.

The rooms raise these errors; `http_errors` answers them, and `live` ends the stream of the screen.
"""


class NotFound(Exception):
    """The database does not hold what the address names."""


class StudyNotFound(NotFound):
    """No study has this UID."""


class UploadNotFound(NotFound):
    """No upload has this token, or it was deleted."""
