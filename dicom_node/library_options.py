"""Options of pynetdicom for the whole process; no other module sets any."""

from __future__ import annotations

from pynetdicom import _config

MAXIMUM_PDU_BYTES = 131_072  # PS3.8 Section D.1; dcmtk sends no longer ones
IMPLEMENTATION_CLASS_UID = "2.25.16382925509167064131935337571509363483"  # PS3.7 Section D.3.3.2
IMPLEMENTATION_VERSION_NAME = "FIRSTREAD_0_1"


def set_library_options() -> None:
    """Set the options; calling it again changes nothing."""
    # pynetdicom's own log shows commands and data sets; our events carry identifiers only.
    _config.LOG_HANDLER_LEVEL = "none"
    _config.LOG_REQUEST_IDENTIFIERS = False
    _config.LOG_RESPONSE_IDENTIFIERS = False
    # A file is sent as it is, without decoding it.
    _config.STORE_SEND_CHUNKED_DATASET = True
    # A UID that is not valid is answered with a status; pynetdicom would abort the association.
    _config.VALIDATORS["UI"] = _leave_to_us


def _leave_to_us(value: object) -> tuple[bool, str]:
    return True, ""
