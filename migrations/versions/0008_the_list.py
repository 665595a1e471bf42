"""what the list is filtered by, beside the study; who has a study open.

Every new column has a default in the database, so that workers of the previous version can go on
until they are replaced. Old rows are filled from what they hold: the age, and the result in force.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from radiology.age_band import age_band

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_LISTED = ["worklist_rank", "opened", "received_at"]
_FILTERS = {
    "sex": "patient_sex",
    "age": "age_band",
    "scanner": "calling_ae_title",
    "type": "pneumonia_type",
    "state": "state",
}


def upgrade() -> None:
    for column in (
        sa.Column("opened", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("age_band", sa.String(length=32), server_default="", nullable=False),
        sa.Column("pneumonia_type", sa.String(length=32), server_default="", nullable=False),
    ):
        op.add_column("study", column)
    _fill()
    op.drop_index("ix_study_worklist", table_name="study")
    op.create_index("ix_study_worklist", "study", ["asked_for", *_LISTED])
    for name, column_name in _FILTERS.items():
        op.create_index(f"ix_study_list_by_{name}", "study", ["asked_for", column_name, *_LISTED])
    for name, column_name in (("accession", "accession_number"), ("patient", "patient_id")):
        op.create_index(
            f"ix_study_{name}_begins",
            "study",
            [column_name],
            postgresql_ops={column_name: "varchar_pattern_ops"},
        )
    op.create_table(
        "study_open",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("reader", sa.String(length=128), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name=op.f("fk_study_open_study_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_study_open")),
        sa.UniqueConstraint("study_id", "reader", name=op.f("uq_study_open_study_id_reader")),
    )
    op.create_index("ix_study_open_seen_at", "study_open", ["seen_at"])


def downgrade() -> None:
    op.drop_table("study_open")
    for name in ("accession", "patient"):
        op.drop_index(f"ix_study_{name}_begins", table_name="study")
    for name in _FILTERS:
        op.drop_index(f"ix_study_list_by_{name}", table_name="study")
    op.drop_index("ix_study_worklist", table_name="study")
    op.create_index("ix_study_worklist", "study", ["asked_for", "worklist_rank", "received_at"])
    with op.batch_alter_table("study", schema=None) as batch_op:
        for column in ("pneumonia_type", "age_band", "opened"):
            batch_op.drop_column(column)


def _fill() -> None:
    connection = op.get_bind()
    study = sa.table(
        "study", *(sa.column(name) for name in ("id", "patient_age", "age_band", "pneumonia_type"))
    )
    result = sa.table(
        "result",
        sa.column("study_id"),
        sa.column("superseded_by_id"),
        sa.column("withdrawn_at"),
        sa.column("reading", sa.JSON()),
    )
    for age in connection.scalars(sa.select(study.c.patient_age).distinct()).all():
        connection.execute(
            sa.update(study).where(study.c.patient_age == age).values(age_band=age_band(age).value)
        )
    kind = result.c.reading["pneumonia_type"].as_string()
    in_force = result.c.superseded_by_id.is_(None) & result.c.withdrawn_at.is_(None)
    kinds = connection.scalars(sa.select(kind).where(in_force, kind.is_not(None)).distinct()).all()
    for one in kinds:
        of_kind = sa.select(result.c.study_id).where(in_force, kind == one)
        connection.execute(
            sa.update(study).where(study.c.id.in_(of_kind)).values(pneumonia_type=one)
        )
