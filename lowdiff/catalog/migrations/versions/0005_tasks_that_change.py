"""What the server was told of a task's place in the queue, and when its state changed"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("label_task", sa.Column("priority", sa.Double(), nullable=True))
    op.add_column("label_task", sa.Column("changed_at", sa.DateTime(), nullable=True))


def downgrade() -> None:
    op.drop_column("label_task", "changed_at")
    op.drop_column("label_task", "priority")
