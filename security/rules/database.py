# ruff: noqa
# ruleid: driver-outside-the-store
import asyncpg

# ruleid: driver-outside-the-store
from asyncpg import connect

# ok: driver-outside-the-store
from guiado.store import sessions


async def find(connection, name, table):
    # ruleid: sql-made-of-text
    await connection.fetch(f"SELECT 1 FROM sessions WHERE name = '{name}'")
    # ruleid: sql-made-of-text
    await connection.execute("DELETE FROM sessions WHERE name = '%s'" % name)
    # ruleid: sql-made-of-text
    await connection.fetchval("SELECT 1 FROM " + table)
    # ruleid: sql-made-of-text
    await connection.fetchrow("SELECT 1 FROM {}".format(table))
    # ok: sql-made-of-text
    await connection.fetch("SELECT 1 FROM sessions WHERE name = $1", name)
    # ok: sql-made-of-text
    await client.get(f"/sessions/{name}")
