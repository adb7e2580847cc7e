"""The numbers of PostgreSQL's advisory locks that guiado takes, each with one meaning.

The files of `data/db/` write their numbers out, because psql runs them too; a test compares.
"""

from __future__ import annotations

MIGRATION = 5207104
"""Somebody brings the database to its schema (`store/migrate.py`). Held by a connection."""
SCHEMA_FILE = 5207105
"""Somebody runs a file of `data/db/`. With a second number, the hash of a tenant: somebody adds to what that tenant learned."""
ROLL_UP = 5207106
"""Somebody sums up days or deletes what is old (`data/db/support_troubleshooting_performance_schema.sql`)."""
RESTORATION = 5207107
"""Somebody restores or checks a backup (`store/backup/scratch_database.py`). Held by a connection to another database."""
