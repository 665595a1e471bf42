"""Imports every table. `migrations/` builds the same schema; a test shows it.

Whoever needs the whole schema imports `METADATA` from here: a module of tables that nobody has
imported would be missing from it.
"""

from __future__ import annotations

from database.tables.base import Base
from database.tables.operation import audit as audit_tables
from database.tables.operation import counted as counted_table
from database.tables.operation import doctor as doctor_table
from database.tables.operation import retention as retention_tables
from database.tables.operation import trace as trace_table
from database.tables.readers import account as account_tables
from database.tables.readers import feedback as feedback_tables
from database.tables.readers import flag as flag_tables
from database.tables.readers import listed as listed_tables
from database.tables.readers import upload as upload_tables
from database.tables.readers import work_item as workitem_tables
from database.tables.study import analysis as tables
from database.tables.study import clinical as clinical_tables
from database.tables.study import commitment as commitment_tables
from database.tables.study import hl7 as hl7_tables
from database.tables.study import prior as prior_tables
from database.tables.study import quarantine as quarantine_table
from database.tables.study import rhythm as rhythm_table
from database.tables.study import shadow as shadow_tables

MODULES = (
    tables,
    quarantine_table,
    commitment_tables,
    prior_tables,
    account_tables,
    listed_tables,
    clinical_tables,
    feedback_tables,
    flag_tables,
    hl7_tables,
    workitem_tables,
    upload_tables,
    shadow_tables,
    counted_table,
    trace_table,
    retention_tables,
    doctor_table,
    audit_tables,
    rhythm_table,
)
METADATA = Base.metadata
