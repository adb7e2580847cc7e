"""Credentials in the database: encrypted whichever way they came, readable with the right key only, and nowhere else."""

from __future__ import annotations

import asyncio
import base64
import multiprocessing
import os
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from secret_keys import BOX, SECRET_KEY

from guiado.app.commands import Notification, Recipient, Rotate, Webhook, WebhookChange
from guiado.app.context import UnitOfWork
from guiado.app.outbound import notifications, recipients, webhooks
from guiado.domain.events import EventKind
from guiado.errors import InvalidInput, SecretKeyWrong, SecretUnreadable, SettingsInvalid
from guiado.settings import read_settings
from guiado.store import stored_secrets
from guiado.store.key_file import FILE_NAME, new_key, read_keys
from guiado.store.migrate import migrate
from guiado.store.secret_box import MARK, SecretBox, SecretKey
from guiado.wiring import Runtime

OTHER = SecretBox([SecretKey(b"o" * 32)])
Use = Callable[[UnitOfWork], Awaitable[Any]]


def run(dsn: str, *uses: Use, **settings: str) -> list[Any]:
    """Open guiado on this database, and run use cases."""

    async def go() -> list[Any]:
        given = {"DATABASE_URL": dsn, **settings}
        runtime = await Runtime.open(read_settings(**given))
        try:
            return [await runtime.parts.run_write(runtime.parts.scope(), use) for use in uses]
        finally:
            await runtime.close()

    return asyncio.run(go())


def ask(dsn: str, *statements: str) -> list[asyncpg.Record]:
    async def go() -> list[asyncpg.Record]:
        connection = await asyncpg.connect(dsn)
        try:
            return [row for statement in statements for row in await connection.fetch(statement)]
        finally:
            await connection.close()

    return asyncio.run(go())


async def _dump(dsn: str) -> str:
    connection = await asyncpg.connect(dsn)
    try:
        tables = await connection.fetch(
            "SELECT c.oid::regclass::text FROM pg_class c WHERE c.relkind IN ('r', 'm') AND c.relnamespace = 'public'::regnamespace"
        )
        rows = [await connection.fetch(f"SELECT x::text FROM {name} AS x") for (name,) in tables]
        return "\n".join(row[0] for each in rows for row in each)
    finally:
        await connection.close()


def dump(dsn: str) -> str:
    """Every row of every table, as text."""
    return asyncio.run(_dump(dsn))


def forms(secret: str) -> set[str]:
    """A secret as somebody may find it: in clear, in base64 at each of the three offsets, in hexadecimal."""
    raw = secret.encode()
    shifted = {base64.b64encode(b"\0" * shift + raw)[4:-4].decode() for shift in range(3)}
    return {secret, raw.hex(), raw.hex().upper(), *shifted, *(each.replace("+", "-").replace("/", "_") for each in shifted)}


def test_no_secret_that_came_through_any_door_is_in_the_database(dsn: str) -> None:
    canary = [f"canario{number}X7secreto" for number in range(12)]
    endpoint = Webhook(
        webhook_id="crm", url=f"https://example.com/hook?token={canary[0]}", events=[EventKind.STEP_COMPLETED], secret=canary[1],
        headers={"X-Key": canary[2], "Authorization": f"Bearer {canary[3]}"},
    )  # fmt: skip
    slack = f"https://hooks.slack.com/services/{canary[6]}"
    person = Recipient(channel="slack", recipient="#ventas", events=[EventKind.SESSION_ESCALATED], webhook_url=slack)
    program = Recipient(
        channel="webhook", recipient=f"https://example.com/{canary[7]}", events=[EventKind.SESSION_ESCALATED], secret=canary[8]
    )
    message = Notification(
        notification_type="custom",
        channel="discord",
        recipient="x",
        message="hola",
        webhook_url=f"https://discord.com/api/webhooks/1/{canary[9]}",
    )
    other = Notification(
        notification_type="custom", channel="webhook", recipient=f"https://example.com/{canary[10]}", message="hola"
    )
    made = run(
        dsn,
        lambda work: webhooks.register(work, endpoint, make_secret=True),
        lambda work: webhooks.rotate(work, "crm", Rotate(secret=canary[4])),
        lambda work: webhooks.rotate(work, "crm", Rotate(secret=canary[5])),
        lambda work: recipients.put(work, person),
        lambda work: recipients.put(work, program),
        lambda work: notifications.store(work, message),
        lambda work: notifications.store(work, other, {"secret": canary[11]}),
        lambda work: webhooks.find(work, "crm"),
        recipients.every,
    )  # fmt: skip
    text = dump(dsn)
    assert [secret for secret in canary if any(form in text for form in forms(secret))] == []
    assert text.count(MARK) >= len(canary)
    # Everything can be used, and nothing is shown.
    found, told = made[-2], {one.channel: one for one in made[-1]}
    assert (found.secret, found.previous_secret, found.older_secrets[0]["secret"]) == (canary[5], canary[4], canary[1])
    assert found.headers == endpoint.headers
    assert found.url == endpoint.url
    assert told["slack"].options == {"webhook_url": slack}
    assert (told["webhook"].recipient, told["webhook"].options) == (program.recipient, {"secret": canary[8]})
    shown = repr([found, *told.values(), BOX, BOX.keys]) + repr([webhooks.view(found), *map(recipients.view, told.values())])
    assert [secret for secret in (*canary[:6], canary[6], canary[8], SECRET_KEY) if secret in shown] == []
    assert canary[0] not in repr(endpoint)
    assert webhooks.view(found).url == "https://example.com/hook?token=***"


def test_a_change_of_the_key_leaves_a_row(dsn: str) -> None:
    admit, tell = (
        SecretBox([*OTHER.keys, *BOX.keys]),
        "SELECT action, actor, object_id, detail::text FROM support_troubleshooting_audit_log",
    )

    async def change() -> None:
        await migrate(dsn)
        await stored_secrets.admit(dsn, BOX, "default")
        await stored_secrets.rotate(dsn, admit, "default")
        await stored_secrets.forget(dsn, BOX, "default")

    asyncio.run(change())
    known, other = BOX.key.id, OTHER.key.id
    assert [tuple(row) for row in ask(dsn, f"{tell} WHERE object_type = 'encryption_key' ORDER BY audit_id")] == [
        ("rotate", "operator", other, f'{{"rows": 0, "retired": ["{known}"]}}'),
        ("forget", "operator", known, f'{{"retired": ["{other}"]}}'),
    ]


TOLD = "SELECT url FROM vw_webhook_stats"


def test_an_address_with_a_credential_is_shown_without_it(dsn: str) -> None:
    hook, other = "https://hooks.example.com/services/T0/B0/canario", "https://example.com/otro?k=canario"
    given = Webhook(webhook_id="crm", url=hook, events=[EventKind.STEP_COMPLETED])
    _, masked, stats, shown = run(
        dsn,
        lambda work: webhooks.register(work, given, make_secret=True),
        lambda work: webhooks.find(work, "crm"),
        lambda work: webhooks.stats(work, "crm"),
        lambda work: work.connection.fetchval(TOLD),
    )
    seen = webhooks.view(masked).url
    assert {seen, stats.url, shown} == {"https://hooks.example.com/***"}
    # Sent back as it was shown, it stays; a new one is shown anew; asterisks that hide nothing are refused.
    kept, changed, shown = run(
        dsn,
        lambda work: webhooks.edit(work, "crm", WebhookChange(url=seen, timeout=3)),
        lambda work: webhooks.edit(work, "crm", WebhookChange(url=other)),
        lambda work: work.connection.fetchval(TOLD),
    )
    assert (kept.url, kept.timeout, changed.url, shown) == (hook, 3, other, "https://example.com/otro?k=***")
    with pytest.raises(InvalidInput):
        run(dsn, lambda work: webhooks.edit(work, "crm", WebhookChange(url=seen)))


def test_a_start_adds_what_is_shown_of_an_address_that_was_encrypted_before(dsn: str) -> None:
    given = Webhook(webhook_id="crm", url="https://example.com/a?k=1", events=[EventKind.STEP_COMPLETED])
    run(
        dsn,
        lambda work: webhooks.register(work, given, make_secret=True),
        lambda work: work.connection.execute("UPDATE support_webhooks SET url_shown = NULL"),
    )
    assert run(dsn, lambda work: work.connection.fetchval(TOLD)) == ["https://example.com/a?k=***"]


def test_registering_the_same_again_keeps_the_secrets_as_they_are(dsn: str) -> None:
    given = Webhook(
        webhook_id="crm", url="https://example.com/a", events=[EventKind.STEP_COMPLETED], secret="uno dos", headers={"X-Key": "v"}
    )
    masked = WebhookChange(headers={"x-key": "********", "Y": ""})
    found = run(
        dsn,
        lambda work: webhooks.register(work, given, make_secret=True),
        lambda work: webhooks.register(work, given, make_secret=True),
        lambda work: webhooks.edit(work, "crm", masked),
    )[-1]
    assert (found.secret, found.previous_secret, list(found.older_secrets)) == ("uno dos", None, [])
    assert found.headers == {"x-key": "v", "Y": ""}


CLEAR = """INSERT INTO support_webhooks (webhook_id, url, events, secret, headers, previous_secret, previous_secret_until, older_secrets)
    VALUES ('viejo', 'https://example.com/?k=canario-u', '{*}', 'canario-s', '{"X-Key": "canario-h"}', 'canario-p', now() + interval '1 day',
            jsonb_build_array(jsonb_build_object('secret', 'canario-o', 'until', now() + interval '1 hour')))"""
CLEAR_RECIPIENT = """INSERT INTO support_troubleshooting_recipients (channel, recipient, events, options)
    VALUES ('webhook', 'https://example.com/canario-r', '{session_escalated}', '{"webhook_url": "https://example.com/canario-w", "secret": "canario-x"}')"""
CLEAR_MESSAGE = """INSERT INTO support_troubleshooting_notifications (id, notification_type, channel, recipient, message, metadata)
    SELECT gen_random_uuid(), 't', 'teams', 'x', 'm', '{"webhook_url": "https://example.com/canario-n", "of": "propio"}' FROM generate_series(1, 1500)"""


def test_what_stands_in_clear_works_and_is_encrypted_at_the_next_start(dsn: str) -> None:
    run(dsn)
    ask(dsn, CLEAR, CLEAR_RECIPIENT, CLEAR_MESSAGE)

    async def read(work: UnitOfWork) -> tuple[Any, ...]:
        endpoint = await webhooks.find(work, "viejo")
        (recipient,) = await recipients.every(work)
        return endpoint, recipient

    async def start() -> None:
        await asyncio.gather(*(stored_secrets.admit(dsn, BOX, "default") for _ in range(4)))

    before = asyncio.run(_as_it_stands(dsn, read))
    asyncio.run(start())
    assert "canario" not in dump(dsn)
    ((endpoint, recipient),) = run(dsn, read)
    assert before == (endpoint, recipient)
    assert endpoint.secrets(endpoint.created_at) == ["canario-s", "canario-p", "canario-o"]
    assert (
        ask(dsn, 'SELECT count(*) FROM support_troubleshooting_notifications WHERE metadata @> \'{"of": "propio"}\'')[0][0]
        == 1500
    )
    assert ask(dsn, "SELECT count(*) FROM support_troubleshooting_recipients")[0][0] == 1


async def _as_it_stands(dsn: str, use: Use) -> Any:
    """What a process that runs already reads."""
    from guiado.app.context import AppContext
    from guiado.store.database import Database

    async def find() -> str:
        return dsn

    db = Database(find, box=BOX)
    try:
        parts = AppContext(db, "default", 0.4)
        return await parts.run_read(parts.scope(), use)
    finally:
        await db.close()


def test_another_key_is_refused_with_two_lines(dsn: str) -> None:
    run(dsn)
    with pytest.raises(SecretKeyWrong) as refused:
        run(dsn, GUIADO_SECRET_KEY=new_key())
    assert len(str(refused.value).split("\n")) == 2
    assert BOX.key.id in str(refused.value)
    assert "GUIADO_SECRET_KEY" in str(refused.value)
    run(dsn)


def test_of_two_keys_that_come_at_once_one_is_the_key(dsn: str) -> None:
    async def go() -> list[bytes | BaseException]:
        boxes = [BOX, OTHER] * 4
        return await asyncio.gather(*(stored_secrets.admit(dsn, box, "default") for box in boxes), return_exceptions=True)

    results = asyncio.run(go())
    keys = [result for result in results if isinstance(result, bytes)]
    refused = [result for result in results if isinstance(result, BaseException)]
    assert len(refused) == 4
    assert all(isinstance(error, SecretKeyWrong) for error in refused)
    # Whoever has the right key gets one key of the audit log's chain.
    assert len(set(keys)) == 1
    assert keys in (results[::2], results[1::2])
    assert len(ask(dsn, "SELECT * FROM support_secret_key")) == 1


def test_rotation_leaves_nothing_of_the_key_before(dsn: str) -> None:
    given = Webhook(
        webhook_id="crm", url="https://example.com/?k=1", events=[EventKind.STEP_COMPLETED], secret="s1", headers={"A": "h"}
    )
    person = Recipient(channel="webhook", recipient="https://example.com/r", events=[EventKind.SESSION_ESCALATED], secret="s2")
    message = Notification(notification_type="custom", channel="webhook", recipient="https://example.com/r", message="hola")
    run(
        dsn,
        lambda work: webhooks.register(work, given, make_secret=True),
        lambda work: recipients.put(work, person),
        lambda work: notifications.store(work, message, {"secret": "s3"}),
    )
    both = SecretBox([*OTHER.keys, *BOX.keys])
    # Between the start with both and the rotation: a recipient is found under either key.
    asyncio.run(stored_secrets.admit(dsn, both, "default"))
    assert asyncio.run(stored_secrets.rotate(dsn, both, "default")) == 3
    assert asyncio.run(stored_secrets.rotate(dsn, both, "default")) == 0
    assert f"{MARK}{BOX.key.id}" not in dump(dsn)
    with pytest.raises(SecretKeyWrong):
        asyncio.run(stored_secrets.admit(dsn, BOX, "default"))
    status = asyncio.run(stored_secrets.status(dsn, "default"))
    assert status.key_ids == [OTHER.key.id]
    assert {one.key_id for one in status.counts} == {OTHER.key.id}
    key = base64.b64encode(b"o" * 32).decode()
    found, told = run(dsn, lambda work: webhooks.find(work, "crm"), recipients.every, GUIADO_SECRET_KEY=key)
    assert (found.url, found.secret, found.headers) == (given.url, "s1", {"A": "h"})
    assert (told[0].recipient, told[0].options) == (person.recipient, {"secret": "s2"})


def test_a_recipient_is_found_and_replaced_under_an_older_key(dsn: str) -> None:
    person = Recipient(channel="webhook", recipient="https://example.com/r", events=[EventKind.SESSION_ESCALATED], secret="s2")
    run(dsn, lambda work: recipients.put(work, person))
    keys = f"{base64.b64encode(b'o' * 32).decode()},{SECRET_KEY}"
    again = Recipient(channel="webhook", recipient="https://example.com/r", events=[EventKind.STEP_COMPLETED])
    _, told = run(dsn, lambda work: recipients.put(work, again), recipients.every, GUIADO_SECRET_KEY=keys)
    assert [(one.recipient, one.events, one.options) for one in told] == [
        (person.recipient, ("step_completed",), {"secret": "s2"})
    ]
    run(dsn, lambda work: recipients.remove(work, "webhook", person.recipient), GUIADO_SECRET_KEY=keys)
    assert ask(dsn, "SELECT * FROM support_troubleshooting_recipients") == []


def test_a_value_is_good_in_its_place_only() -> None:
    sealed = BOX.seal("secreto", "webhook.secret", "a", "crm")
    assert BOX.open(sealed, "webhook.secret", "a", "crm") == "secreto"
    assert sealed == BOX.seal("secreto", "webhook.secret", "a", "crm")
    moved = [
        ("webhook.secret", "b", "crm"),
        ("webhook.secret", "a", "erp"),
        ("webhook.header", "a", "crm"),
        ("webhook.secret", "ac", "rm"),
    ]
    damaged = [sealed[:-6] + "AAAAA=", sealed[:-10], MARK, f"{MARK}{BOX.key.id}:", sealed.replace(BOX.key.id, "00000000")]
    for value, place in [*((sealed, place) for place in moved), *((value, ("webhook.secret", "a", "crm")) for value in damaged)]:
        with pytest.raises(SecretUnreadable):
            BOX.open(value, *place)
    for value in ("", "ñandú 🦙", "x" * 100_000, MARK):
        assert BOX.open(BOX.seal(value, "p"), "p") == value


def test_keys_of_purposes_are_those_of_the_standard() -> None:
    """HKDF-SHA256 with a salt, compared with the library's."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    key = SecretKey(bytes(range(32)))
    for purpose, length in ((b"audit", 32), (b"", 16), (b"credentials", 64), (b"x" * 300, 100)):
        assert key.derive(purpose, length) == HKDF(SHA256(), length, b"guiado", purpose).derive(bytes(range(32)))


# ------------------------------------------------------------------------------------------------------------------- file


def _key_of(home: str) -> str:
    return read_keys(None, Path(home)).key.id


def test_processes_that_start_at_once_have_one_key(tmp_path: Path) -> None:
    with multiprocessing.get_context("fork").Pool(4) as pool:
        ids = pool.map(_key_of, [str(tmp_path / "home")] * 16, chunksize=1)
    assert len(set(ids)) == 1
    assert [path.name for path in (tmp_path / "home").iterdir()] == [FILE_NAME]
    assert stat.S_IMODE((tmp_path / "home" / FILE_NAME).stat().st_mode) == 0o600


def test_a_key_that_is_there_is_never_written_over(tmp_path: Path) -> None:
    first = read_keys(None, tmp_path).key.id
    before = (tmp_path / FILE_NAME).read_bytes()
    assert read_keys(None, tmp_path).key.id == first
    assert (tmp_path / FILE_NAME).read_bytes() == before
    (tmp_path / FILE_NAME).write_text("")
    with pytest.raises(SettingsInvalid):
        read_keys(None, tmp_path)
    assert (tmp_path / FILE_NAME).read_bytes() == b""


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o666])
def test_a_key_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    read_keys(None, tmp_path)
    (tmp_path / FILE_NAME).chmod(mode)
    with pytest.raises(SettingsInvalid, match="chmod 600"):
        read_keys(None, tmp_path)
    (tmp_path / FILE_NAME).chmod(0o600)
    read_keys(None, tmp_path)


def test_a_home_that_cannot_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "dir" / FILE_NAME).mkdir(parents=True)
    for home in ("file", "dir"):
        with pytest.raises(SettingsInvalid, match="GUIADO_SECRET_KEY"):
            read_keys(None, tmp_path / home)
    import errno

    def full(_file: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SettingsInvalid, match="no queda espacio en el disco"):
        read_keys(None, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dir", "file"]


@pytest.mark.parametrize("given", ["x", "a" * 42, "a" * 44, "z" * 64, f"{SECRET_KEY},corta", "ñ" * 43, ","])
def test_what_is_no_key_is_refused_without_showing_it(given: str) -> None:
    with pytest.raises(SettingsInvalid) as refused:
        read_keys(given, None)
    assert "openssl rand -base64 32" in str(refused.value)
    assert given not in str(refused.value) or given in (",", "x")


def test_a_key_may_be_written_in_three_ways() -> None:
    raw = bytes(range(200, 232))
    written = {raw.hex(), base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode().rstrip("=")}
    assert len({read_keys(one, None).key.id for one in written}) == 1
    assert len(read_keys(f"{new_key()}, {new_key()}", None).keys) == 2
