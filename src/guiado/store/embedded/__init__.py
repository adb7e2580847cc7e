"""A PostgreSQL of guiado's own, for when no DATABASE_URL is set.

supervisor   one process's share in the server: join, ensure, leave
placement    where the cluster lives, and for whom
binaries     which PostgreSQL programs run it
cluster      makes the cluster, and its addresses
programs     tells whether the programs of a running server were replaced
postmaster   starts, checks and stops the server process
watch        stops a server whose users were killed
failure      what the server said before it gave up
exchange     puts a new data folder in the place of the old one
os_account   the user that the server runs as
locks        who uses it, counted by the kernel
"""

from __future__ import annotations

from guiado.store.embedded.supervisor import EmbeddedPostgres, PostgresStatus, default_home

__all__ = ["EmbeddedPostgres", "PostgresStatus", "default_home"]
