"""The embedded PostgreSQL, used when no DATABASE_URL is set.

supervisor      one process's use of the server: join, ensure, leave
cluster_paths   location of the cluster, and the user that runs it
binaries        choice of the PostgreSQL programs that run it
cluster         creates the cluster, and gives its addresses
programs        tells whether the programs of a running server were replaced
postmaster      starts, checks and stops the server process
watchdog        stops a server whose users were killed
startup_errors  causes and remedies of a failed start
data_swap       replaces the data folder by a new one
os_account      the user that the server runs as
locks           locks of the kernel, which count the users of the server
diagnostics     checks for `guiado doctor`
"""

from __future__ import annotations

from guiado.store.embedded.supervisor import EmbeddedPostgres, PostgresStatus, default_home

__all__ = ["EmbeddedPostgres", "PostgresStatus", "default_home"]
