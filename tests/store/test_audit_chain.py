"""The audit log only grows, is sealed within seconds, and shows whoever changes it; retention keeps the chain whole."""

from __future__ import annotations

import asyncio
import dataclasses
import random
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import asyncpg
import pytest

from guiado import clock
from guiado.app.access import audit_log
from guiado.app.access.audit_log import Verification
from guiado.app.access.audit_sealer import seal_due
from guiado.app.context import AppContext
from guiado.app.maintenance import JOBS, retain
from guiado.domain.audit_chain import Check, Checkpoint, Head, Sealed
from guiado.errors import InvalidInput
from guiado.scheduler import Worker
from guiado.store import audit
from guiado.store.audit_diagnostics import look_at_audit
from guiado.store.check_result import CheckState
from guiado.store.database import Database
from guiado.store.migrate import APP_ROLE

T = TypeVar("T")
LOG = "support_troubleshooting_audit_log"
KEY = b"a key of this test"
_ROW = f"INSERT INTO {LOG} (audit_id, tenant_id, at, actor, action, object_type, object_id, detail) VALUES"
_ANOTHER = f"{_ROW} ($1, $2, $3, 'operator', 'read', 'session', 's-1', '{{\"ids\": [\"á\", 1.50, null]}}')"


@asynccontextmanager
async def opened(dsn: str, role: str | None = APP_ROLE) -> AsyncGenerator[AppContext]:
    async def find() -> str:
        return dsn

    db = Database(find, role=role)
    try:
        yield AppContext(db, "default", 0.33, seal_key=KEY)
    finally:
        await db.close()


def on(dsn: str, scenario: Callable[[asyncpg.Connection, AppContext], Awaitable[T]]) -> T:
    """Run a scenario with the owner's connection and the parts of a process."""

    async def run() -> T:
        owner = await asyncpg.connect(dsn)
        try:
            async with opened(dsn) as parts:
                return await scenario(owner, parts)
        finally:
            await owner.close()

    return asyncio.run(run())


async def add(owner: asyncpg.Connection, count: int, tenant: str = "default", at: datetime | None = None) -> None:
    moment = at or datetime.now(UTC)
    await owner.executemany(_ANOTHER, [(clock.new_id(), tenant, moment + timedelta(microseconds=i)) for i in range(count)])


async def verified(parts: AppContext, tenant: str = "default", kept: str | None = None) -> Verification:
    return await parts.run_read(dataclasses.replace(parts.scope(), tenant=tenant), audit_log.verify, kept)


async def waiting(owner: asyncpg.Connection) -> int:
    return int(str(await owner.fetchval(f"SELECT count(*) FROM {LOG} WHERE chain_seq IS NULL")))


# -------------------------------------------------------------------------------------------------------------- only growing


@pytest.mark.parametrize("table", [LOG, "support_audit_heads", "support_audit_checkpoints"])
@pytest.mark.parametrize("change", ["UPDATE {} SET chain_seq = 7", "DELETE FROM {}", "TRUNCATE {}"])
def test_neither_the_application_nor_the_owner_changes_the_log(dsn: str, table: str, change: str) -> None:
    async def scenario(owner: asyncpg.Connection, parts: AppContext) -> None:
        await add(owner, 3)
        await seal_due(parts)
        for role in (APP_ROLE, "NONE"):
            await owner.execute(f"SET ROLE {role}; SET guiado.tenant = 'default'")
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await owner.execute(change.format(table))
        await owner.execute(f"SET ROLE {APP_ROLE}; SET guiado.audit_change = 'on'")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await owner.execute(change.format(table))
        await owner.execute("RESET ROLE")
        assert await waiting(owner) == 0

    on(dsn, scenario)


def test_an_older_database_loses_the_rights_that_it_had(dsn: str) -> None:
    async def scenario(owner: asyncpg.Connection, _: AppContext) -> None:
        await owner.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON {LOG} TO {APP_ROLE}")
        await owner.execute(f"SELECT guiado_protect(ARRAY['{LOG}'], ARRAY['SELECT', 'INSERT'])")
        held = await owner.fetch(
            "SELECT privilege_type FROM information_schema.role_table_grants WHERE grantee = $1 AND table_name = $2",
            APP_ROLE,
            LOG,
        )
        assert {row[0] for row in held} == {"SELECT", "INSERT"}

    on(dsn, scenario)


# ------------------------------------------------------------------------------------------------------------------- sealing


def test_rows_of_all_tenants_are_sealed_and_none_waits(dsn: str) -> None:
    async def scenario(owner: asyncpg.Connection, parts: AppContext) -> None:
        await add(owner, 700)
        await add(owner, 500, "otro")
        await asyncio.gather(seal_due(parts), seal_due(parts), seal_due(parts))
        await seal_due(parts)
        assert await waiting(owner) == 0
        await owner.execute(f"VACUUM {LOG}")
        assert await owner.fetchval("SELECT count(*) FROM (SELECT 1 FROM pg_class WHERE relname = 'audit_unsealed') x") == 1
        first, second = await verified(parts), await verified(parts, "otro")
        assert (first.valid, first.rows, second.valid, second.rows) == (True, 700, True, 500)
        assert first.head is not None
        assert first.head.startswith("700:")

    on(dsn, scenario)


def test_a_row_that_is_committed_late_is_sealed_after_those_before(dsn: str) -> None:
    """Its id and its time are older: neither decides."""

    async def scenario(owner: asyncpg.Connection, parts: AppContext) -> None:
        late = await asyncpg.connect(dsn)
        slow = late.transaction()
        await slow.start()
        oldest = uuid.UUID(int=1)
        await late.execute(_ANOTHER, oldest, "default", datetime(2026, 1, 1, tzinfo=UTC))
        await add(owner, 5)
        await seal_due(parts)
        await slow.commit()
        await late.close()
        await seal_due(parts)
        assert await owner.fetchval(f"SELECT chain_seq FROM {LOG} WHERE audit_id = $1", oldest) == 6
        assert (await verified(parts)).valid

    on(dsn, scenario)


def test_a_worker_seals_within_five_seconds_while_rows_come(dsn: str) -> None:
    async def scenario(owner: asyncpg.Connection, parts: AppContext) -> None:
        worker = Worker(parts, "w", {"seal_audit": JOBS["seal_audit"]})
        running = asyncio.create_task(worker.run())
        longest = 0.0
        try:
            deadline = asyncio.get_running_loop().time() + 4
            while asyncio.get_running_loop().time() < deadline:
                await add(owner, 200)
                await asyncio.sleep(0.1)
                age = await owner.fetchval(
                    f"SELECT extract(epoch FROM clock_timestamp() - min(at))::float8 FROM {LOG} WHERE chain_seq IS NULL"
                )
                longest = max(longest, age or 0.0)
        finally:
            worker.stop()
            await running
        assert longest < 5
        assert (await verified(parts)).rows > 400

    on(dsn, scenario)


def test_two_keys_are_two_chains(dsn: str) -> None:
    async def scenario(owner: asyncpg.Connection, parts: AppContext) -> None:
        await add(owner, 3)
        await seal_due(parts)
        parts.seal_key = b"of somebody else"
        found = await verified(parts)
        assert (found.valid, found.fault, found.fault_seq) == (False, "changed", 1)

    on(dsn, scenario)


# ----------------------------------------------------------------------------------------------------------------- tampering

Rows = list[Sealed]


@dataclasses.dataclass
class World:
    """A sealed log as it is read: what an intruder may change."""

    rows: Rows
    head: Head | None
    checkpoint: Checkpoint | None

    def fault(self) -> str | None:
        check = Check(KEY, "default", self.head, self.checkpoint)
        for row in sorted(self.rows, key=lambda each: (each.seq, each.audit_id)):
            check.add(row)
        broken = check.end()
        return broken.fault if broken else None


def _other(chance: random.Random, value: str | None) -> str:
    if value is None or not value:
        return "x"
    place = chance.randrange(len(value))
    return value[:place] + ("0" if value[place] != "0" else "1") + value[place + 1 :]


def _edit(world: World, chance: random.Random) -> str:
    place, column = chance.randrange(len(world.rows)), chance.choice([*audit.COLUMNS, "chain_hash", "null"])
    row = world.rows[place]
    if column == "chain_hash":
        world.rows[place] = dataclasses.replace(row, digest=chance.choice([None, _other(chance, row.digest)]))
    elif column == "null":
        name = chance.choice([each for each in audit.COLUMNS if row.columns[each] is not None])
        world.rows[place] = dataclasses.replace(row, columns={**row.columns, name: None})
    else:
        world.rows[place] = dataclasses.replace(row, columns={**row.columns, column: _other(chance, row.columns[column])})
    return f"edit {column} of {row.seq}"


def _delete(world: World, chance: random.Random) -> str:
    row = world.rows.pop(chance.randrange(len(world.rows)))
    return f"delete {row.seq}"


def _swap(world: World, chance: random.Random) -> str:
    one, other = chance.sample(range(len(world.rows)), 2)
    first, second = world.rows[one], world.rows[other]
    if chance.random() < 0.5:  # with their digests, or without
        world.rows[one], world.rows[other] = (
            dataclasses.replace(second, seq=first.seq),
            dataclasses.replace(first, seq=second.seq),
        )
    else:
        world.rows[one] = dataclasses.replace(first, columns=second.columns)
        world.rows[other] = dataclasses.replace(second, columns=first.columns)
    return f"swap {first.seq} and {second.seq}"


def _insert(world: World, chance: random.Random) -> str:
    row = chance.choice(world.rows)
    place = chance.choice([row.seq, world.rows[-1].seq + 1, 0, -3, world.rows[-1].seq + 9])
    columns = {**row.columns, "audit_id": str(uuid.UUID(int=chance.getrandbits(128)))}
    world.rows.append(Sealed(place, row.digest, columns))
    return f"insert at {place}"


def _cut(world: World, chance: random.Random) -> str:
    count = chance.randrange(1, len(world.rows) + 1)
    del world.rows[-count:]
    if chance.random() < 0.5 and world.rows and world.head:  # with a head that fits, but whose seal cannot
        world.head = dataclasses.replace(world.head, seq=world.rows[-1].seq, digest=world.rows[-1].digest or "")
    elif chance.random() < 0.3:
        world.head = None
    return f"cut {count}"


def _checkpoint(world: World, chance: random.Random) -> str:
    was = world.checkpoint
    assert was is not None
    found = chance.choice([
        None,
        dataclasses.replace(was, seq=was.seq + chance.choice([-2, -1, 1, 2])),
        dataclasses.replace(was, digest=_other(chance, was.digest)),
        dataclasses.replace(was, deleted=was.deleted + 1),
        dataclasses.replace(was, at=_other(chance, was.at)),
        dataclasses.replace(was, seal=_other(chance, was.seal)),
        dataclasses.replace(was, seal=None),
        dataclasses.replace(was, seq=world.rows[2].seq, deleted=world.rows[2].seq, digest=world.rows[2].digest or ""),
    ])  # fmt: skip
    if found and found.seq == world.rows[2].seq:  # a beginning that was moved, with what it hides
        del world.rows[:3]
    world.checkpoint = found
    return f"checkpoint {found}"


def test_a_thousand_tamperings_are_all_found(dsn: str) -> None:
    async def scenario(owner: asyncpg.Connection, parts: AppContext) -> World:
        await add(owner, 20, at=datetime.now(UTC) - timedelta(days=90))
        await add(owner, 60)
        await seal_due(parts)
        await owner.execute(
            "INSERT INTO support_troubleshooting_config (config_key, config_value) VALUES ('retention_days', '30')"
        )
        await retain(parts)
        await seal_due(parts)
        async with parts.db.connection() as connection:
            rows = await audit.chain(connection, "default", None, 10_000)
            return World(rows, await audit.head(connection, "default"), await audit.checkpoint(connection, "default"))

    whole = on(dsn, scenario)
    assert whole.fault() is None
    assert len(whole.rows) == 61
    chance, undetected = random.Random(15), list[str]()  # noqa: S311 the same tamperings each time
    kinds = (_edit, _edit, _edit, _delete, _swap, _insert, _cut, _checkpoint)
    for number in range(1_000):
        world = World(list(whole.rows), whole.head, whole.checkpoint)
        done = kinds[number % len(kinds)](world, chance)
        if world.fault() is None:
            undetected.append(done)
    assert undetected == []


_IN_SQL = {
    "changed": "UPDATE {} SET actor = 'nadie' WHERE chain_seq = 4",
    "changed by a part": "UPDATE {} SET detail = detail || '{{\"x\": 1}}' WHERE chain_seq = 4",
    "changed by a microsecond": "UPDATE {} SET at = at + interval '1 microsecond' WHERE chain_seq = 4",
    "missing": "DELETE FROM {} WHERE chain_seq = 4",
    "missing by hiding": "UPDATE {} SET chain_seq = NULL, chain_hash = NULL WHERE chain_seq = 4",
    "cut": "DELETE FROM {} WHERE chain_seq > 7",
    "changed by a row more": _ROW.replace(" VALUES", ", chain_seq, chain_hash) SELECT md5('x')::uuid, tenant_id, at, actor, action, object_type,"
    " object_id, detail, 11, chain_hash FROM {} WHERE chain_seq = 10").replace("detail),", "detail,"),
    "head": "UPDATE support_audit_heads SET chain_seq = 9, chain_hash = (SELECT chain_hash FROM {} WHERE chain_seq = 9)",
}  # fmt: skip


@pytest.mark.parametrize("kind", _IN_SQL)
def test_tampering_in_the_database_is_found_by_its_kind(dsn: str, kind: str) -> None:
    async def scenario(owner: asyncpg.Connection, parts: AppContext) -> None:
        await add(owner, 10)
        await seal_due(parts)
        async with parts.db.connection() as connection:
            assert [each.state for each in await look_at_audit(connection, KEY)] == [CheckState.GOOD]
        await owner.execute("SET session_replication_role = replica")  # an owner may do anything
        await owner.execute(_IN_SQL[kind].format(LOG))
        found = await verified(parts)
        assert (found.valid, found.fault) == (False, kind.partition(" ")[0])
        assert found.fault_seq in {4, 8, 9, 11}
        seen = await look_at_audit(owner, KEY)
        assert [each.state for each in seen] == [CheckState.BAD]

    on(dsn, scenario)


def test_a_head_that_was_kept_elsewhere_finds_a_whole_new_chain(dsn: str) -> None:
    async def scenario(owner: asyncpg.Connection, parts: AppContext) -> None:
        await add(owner, 5)
        await seal_due(parts)
        kept = (await verified(parts)).head
        await add(owner, 5)
        await seal_due(parts)
        found = await verified(parts, kept=kept)
        assert (found.valid, found.kept) == (True, True)
        await owner.execute(
            "SET session_replication_role = replica; DELETE FROM support_audit_heads;"
            f" DELETE FROM {LOG} WHERE chain_seq = 2; UPDATE {LOG} SET chain_seq = NULL"
        )
        await seal_due(parts)
        assert (await verified(parts)).valid
        assert ((await verified(parts, kept=kept)).valid) is False
        with pytest.raises(InvalidInput):
            await verified(parts, kept="12")

    on(dsn, scenario)


# ----------------------------------------------------------------------------------------------------------------- retention


def test_the_chain_verifies_after_retention_and_goes_on(dsn: str) -> None:
    async def scenario(owner: asyncpg.Connection, parts: AppContext) -> None:
        await add(owner, 30, at=datetime.now(UTC) - timedelta(days=60))
        await add(owner, 20)
        await seal_due(parts)
        await owner.execute(
            "INSERT INTO support_troubleshooting_config (config_key, config_value) VALUES ('retention_days', '30')"
        )
        await retain(parts)
        found = await verified(parts)
        assert (found.valid, found.rows, found.deleted) == (True, 20, 30)
        await seal_due(parts)
        await owner.execute(f"SET guiado.audit_change = 'on'; UPDATE {LOG} SET at = at WHERE false")
        assert (await verified(parts)).rows == 21  # the setting that was changed above is noted too

    on(dsn, scenario)


def test_what_psql_deletes_is_sealed_by_the_next_worker_and_noted(dsn: str) -> None:
    async def scenario(owner: asyncpg.Connection, parts: AppContext) -> None:
        await add(owner, 10, at=datetime.now(UTC) - timedelta(days=60))
        await seal_due(parts)
        await add(owner, 3, at=datetime.now(UTC) - timedelta(days=50))
        rows = await owner.fetch("SELECT * FROM cleanup_old_troubleshooting_data(30)")
        assert {row["table_name"]: row["deleted"] for row in rows}[LOG] == 13
        assert (await verified(parts)).fault == "unsealed_checkpoint"
        await seal_due(parts)
        found = await verified(parts)
        assert (found.valid, found.rows, found.deleted) == (True, 1, 10)
        assert await owner.fetchval(f"SELECT detail ->> 'through' FROM {LOG} WHERE actor = 'database'") == "10"

    on(dsn, scenario)


def test_only_a_beginning_is_deleted(dsn: str) -> None:
    """An older row in the middle of the chain stays until everything before it may go."""

    async def scenario(owner: asyncpg.Connection, parts: AppContext) -> None:
        for days in (60, 1, 60):
            await add(owner, 1, at=datetime.now(UTC) - timedelta(days=days))
            await seal_due(parts)
        rows = await owner.fetch("SELECT * FROM cleanup_old_troubleshooting_data(30)")
        assert {row["table_name"]: row["deleted"] for row in rows}[LOG] == 1
        await seal_due(parts)
        assert (await verified(parts)).valid

    on(dsn, scenario)


def test_a_checkpoint_that_somebody_made_up_is_not_sealed(dsn: str) -> None:
    async def scenario(owner: asyncpg.Connection, parts: AppContext) -> None:
        await add(owner, 10)
        await seal_due(parts)
        await owner.execute("SET session_replication_role = replica")
        await owner.execute(f"DELETE FROM {LOG} WHERE chain_seq < 4")
        await owner.execute(
            "INSERT INTO support_audit_checkpoints (tenant_id, chain_seq, chain_hash, deleted, at)"
            " VALUES ('default', 3, repeat('0', 64), 3, now())"
        )
        await seal_due(parts)
        assert (await verified(parts)).valid is False

    on(dsn, scenario)


def test_the_application_takes_no_rows_away_where_it_cleans_up_itself(dsn: str) -> None:
    async def scenario(owner: asyncpg.Connection, _: AppContext) -> None:
        await add(owner, 2, at=datetime.now(UTC) - timedelta(days=60))
        await owner.execute(f"SET ROLE {APP_ROLE}; SET guiado.tenant = 'default'")
        assert await owner.fetchval("SELECT guiado_clean_audit('default', now(), 10)") == 0
        await owner.execute("RESET ROLE")
        assert await waiting(owner) == 2

    on(dsn, scenario)


def test_a_setting_that_is_changed_in_the_database_is_noted_without_its_value(dsn: str) -> None:
    async def scenario(owner: asyncpg.Connection, _: AppContext) -> None:
        await owner.execute(
            "UPDATE support_troubleshooting_config SET config_value = '7' WHERE config_key = 'waiting_days';"
            " DELETE FROM support_troubleshooting_config WHERE config_key = 'waiting_days'"
        )
        rows = await owner.fetch(f"SELECT action, object_type, object_id, actor LIKE 'database:%' AS is_db, detail FROM {LOG}")
        assert [tuple(row) for row in rows] == [
            ("change", "setting", "waiting_days", True, "{}"),
            ("remove", "setting", "waiting_days", True, "{}"),
        ]

    on(dsn, scenario)
