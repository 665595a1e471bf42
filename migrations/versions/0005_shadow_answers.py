"""answers of bundles that run in shadow."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005_shadow_answers"
down_revision = "0004_labels"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """No bundle could run in shadow before: there is nothing to fill in."""
    op.create_table(
        "shadow_answer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("bundle", sa.String(length=64), nullable=False),
        sa.Column("bundle_version", sa.String(length=64), nullable=False),
        sa.Column("outcome", sa.String(length=32), nullable=False),
        sa.Column("urgency", sa.String(length=32), nullable=True),
        sa.Column("urgency_rule", sa.Text(), nullable=False),
        sa.Column("suspicion", sa.Double(), nullable=True),
        sa.Column("reading", sa.JSON(), nullable=False),
        sa.Column("execution_provider", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name="fk_shadow_answer_job_id"),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name="fk_shadow_answer_study_id"),
        sa.PrimaryKeyConstraint("id", name="pk_shadow_answer"),
        sa.UniqueConstraint("job_id", name="uq_shadow_answer_job_id"),
    )
    op.create_index("ix_shadow_answer_of_bundle", "shadow_answer", ["bundle", "created_at"])
    op.create_index("ix_shadow_answer_study_id", "shadow_answer", ["study_id"])


def downgrade() -> None:
    op.drop_table("shadow_answer")
