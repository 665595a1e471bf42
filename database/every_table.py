"""Every table, brought together. `migrations/` builds the same schema; a test shows it.

Whoever needs the whole schema imports `METADATA` from here: a module of tables that nobody has
imported would be missing from it.
"""

from __future__ import annotations

from database import account_tables, tables
from database.table_base import Base

MODULES = (tables, account_tables)
METADATA = Base.metadata
