"""the type of a pneumonia becomes the label of any finding."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004_labels"
down_revision = "0003_several_bundles"
branch_labels = None
depends_on = None

_LISTED = ("worklist_rank", "opened", "received_at")


def upgrade() -> None:
    """A label of an old result stands in its reading."""
    op.drop_index("ix_study_list_by_type", table_name="study")
    op.alter_column("study", "pneumonia_type", new_column_name="label")
    op.create_index("ix_study_list_by_label", "study", ["asked_for", "label", *_LISTED])
    op.add_column(
        "result", sa.Column("label", sa.String(length=32), server_default="", nullable=False)
    )
    result = sa.table("result", sa.column("label", sa.String), sa.column("reading", sa.JSON))
    said = result.c.reading["pneumonia_type"].as_string()
    op.execute(result.update().where(said.is_not(None)).values(label=said))
