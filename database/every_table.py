"""Every table, brought together. `migrations/` builds the same schema; a test shows it.

Whoever needs the whole schema imports `METADATA` from here: a module of tables that nobody has
imported would be missing from it.
"""

from __future__ import annotations

from database import (
    account_tables,
    clinical_tables,
    commitment_tables,
    feedback_tables,
    flag_tables,
    hl7_tables,
    opened_tables,
    prior_tables,
    quarantine_table,
    tables,
    upload_tables,
    workitem_tables,
)
from database.table_base import Base

MODULES = (
    tables,
    quarantine_table,
    commitment_tables,
    prior_tables,
    account_tables,
    opened_tables,
    clinical_tables,
    feedback_tables,
    flag_tables,
    hl7_tables,
    workitem_tables,
    upload_tables,
)
METADATA = Base.metadata
