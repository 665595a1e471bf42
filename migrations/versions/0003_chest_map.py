"""the map of a chest that later studies are compared by, and studies that we asked for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("result", schema=None) as batch_op:
        batch_op.add_column(sa.Column("chest_map", sa.Text(), nullable=True))
    with op.batch_alter_table("study", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("asked_for", sa.Boolean(), server_default=sa.false(), nullable=False)
        )
        batch_op.drop_index("ix_study_worklist")
        batch_op.create_index(
            "ix_study_worklist", ["asked_for", "worklist_rank", "received_at"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_study_patient_id"), ["patient_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("study", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_study_patient_id"))
        batch_op.drop_index("ix_study_worklist")
        batch_op.create_index("ix_study_worklist", ["worklist_rank", "received_at"], unique=False)
        batch_op.drop_column("asked_for")
    with op.batch_alter_table("result", schema=None) as batch_op:
        batch_op.drop_column("chest_map")
