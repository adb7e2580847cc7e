"""Numbers of PostgreSQL's advisory locks that guiado takes, each with one meaning.

The files of `data/db/` write their numbers out, because psql runs them too; a test compares.
"""

from __future__ import annotations

MIGRATION = 5207104
"""Lock of migrating the database to its schema (`store/migrate.py`). Held by a transaction."""
SCHEMA_FILE = 5207105
"""Lock of running a file of `data/db/`. With a second number, of storing one message as a single notification."""
ROLL_UP = 5207106
"""Lock of rolling up days and deleting old rows (functions of `data/db/`)."""
RESTORATION = 5207107
"""Lock of restoring or checking a backup (`store/backup/scratch_database.py`). With a second number, of a customer's lessons."""
AUDIT_SEALER = 5207108
"""Lock of sealing the audit log (`store/audit.py`): one sealer at a time, for all tenants. Held by a transaction."""
ATTACHMENTS = 5207109
"""With a hash of the tenant, lock of adding a picture to a session: a tenant's are counted one by one. Held by a transaction."""
IMPORTS = 5207110
"""With a hash of the tenant, lock of storing or publishing guides of an import: one batch at a time. Held by a transaction."""
DEMO = 5207111
"""With a hash of the tenant, lock of loading or removing its synthetic sessions (`store/demo.py`). Held by a transaction."""
GUIDANCE = 5207112
"""With a hash of the tenant, lock of publishing a plan or rules of a guide (`store/guidance_plans.py`). Held by a transaction."""
