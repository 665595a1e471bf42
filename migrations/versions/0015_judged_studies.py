"""what counts of the readers' feedback, beside the study: the list is filtered by it.

The column has a default in the database, so that pages of the previous version can go on until they
are replaced. Old rows are filled from the opinions that stand: of each study the newest opinion
about the newest of its judged results, as `database.feedback.given` counts.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_INDEX = "ix_study_list_by_judgement"


def upgrade() -> None:
    op.add_column(
        "study",
        sa.Column("judgement", sa.String(length=32), server_default="", nullable=False),
    )
    _fill()
    op.create_index(
        _INDEX, "study", ["asked_for", "judgement", "worklist_rank", "opened", "received_at"]
    )


def downgrade() -> None:
    op.drop_index(_INDEX, table_name="study")
    with op.batch_alter_table("study", schema=None) as batch_op:
        batch_op.drop_column("judgement")


def _fill() -> None:
    connection = op.get_bind()
    study = sa.table("study", sa.column("id"), sa.column("judgement"))
    result = sa.table("result", *(sa.column(name) for name in ("id", "study_id", "urgency")))
    feedback = sa.table(
        "feedback",
        *(sa.column(name) for name in ("id", "result_id", "judgement", "given_at", "replaced_at")),
    )
    standing = connection.execute(
        sa.select(result.c.study_id, feedback.c.judgement)
        .join_from(feedback, result, result.c.id == feedback.c.result_id)
        .where(feedback.c.replaced_at.is_(None), result.c.urgency.is_not(None))
        .order_by(result.c.id, feedback.c.given_at, feedback.c.id)
    )
    counts = dict(standing.all())  # of each study the last one
    if counts:
        connection.execute(
            sa.update(study)
            .where(study.c.id == sa.bindparam("of_study"))
            .values(judgement=sa.bindparam("said")),
            [{"of_study": study_id, "said": said} for study_id, said in counts.items()],
        )
