"""what readers say of results, and indexes that the scorecard looks through."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_STANDING = sa.text("replaced_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "feedback",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("result_id", sa.Integer(), nullable=False),
        sa.Column("reader", sa.String(length=128), nullable=False),
        sa.Column("judgement", sa.String(length=32), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("replaced_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["result_id"], ["result.id"], name=op.f("fk_feedback_result_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feedback")),
    )
    op.create_index(op.f("ix_feedback_result_id"), "feedback", ["result_id"], unique=False)
    op.create_index("ix_feedback_given_at", "feedback", ["given_at"], unique=False)
    op.create_index(
        "ix_feedback_standing",
        "feedback",
        ["result_id", "reader"],
        unique=True,
        sqlite_where=_STANDING,
        postgresql_where=_STANDING,
    )
    op.create_table(
        "feedback_fault",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("feedback_id", sa.Integer(), nullable=False),
        sa.Column("fault", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["feedback_id"], ["feedback.id"], name=op.f("fk_feedback_fault_feedback_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feedback_fault")),
        sa.UniqueConstraint(
            "feedback_id", "fault", name=op.f("uq_feedback_fault_feedback_id_fault")
        ),
    )
    op.create_index("ix_study_last_instance_at", "study", ["last_instance_at"], unique=False)
    op.create_index(
        "ix_result_made",
        "result",
        ["created_at", "superseded_by_id", "urgency", "study_id"],
        unique=False,
    )
    op.create_index(
        "ix_result_of_study",
        "result",
        ["study_id", "created_at", "superseded_by_id", "urgency"],
        unique=False,
    )
    op.create_index(
        "ix_job_log", "job", ["queued_at", "claimed_at", "finished_at", "priority"], unique=False
    )
    op.create_index("ix_event_name", "event", ["name", "study_id", "at"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_event_name", table_name="event")
    op.drop_index("ix_job_log", table_name="job")
    op.drop_index("ix_result_of_study", table_name="result")
    op.drop_index("ix_result_made", table_name="result")
    op.drop_index("ix_study_last_instance_at", table_name="study")
    op.drop_table("feedback_fault")
    op.drop_table("feedback")
