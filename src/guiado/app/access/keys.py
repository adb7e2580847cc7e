"""API keys: creating, listing, rotating and revoking them.

Source: contract.md §6, rule 11.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from guiado import clock
from guiado.app.access import key_format
from guiado.app.access.audit import act
from guiado.app.access.models import KeyBody
from guiado.app.access.permissions import PERMISSIONS, USUAL, is_allowed
from guiado.app.commands import CreateKey, RotateKey
from guiado.app.context import Scope, UnitOfWork
from guiado.errors import FieldProblem, InvalidInput, KeyNotFound, Message
from guiado.store import api_keys
from guiado.store.api_keys import ApiKey
from guiado.store.sessions import uuid_or_none

_S_PER_HOUR = 3_600.0
_TAKEN = Message("Ya hay una clave de API viva con este nombre. Elige otro, o cámbiale el secreto con guiado keys rotate.")


async def create(work: UnitOfWork, command: CreateKey) -> KeyBody:
    """Create a key, and show its secret.

    Returns:
        The key with its secret, which can not be read again.

    Raises:
        InvalidInput: a scope does not exist or is not the caller's to give, or a live key has this name.
    """
    scopes, secret = _granted(work.scope, command.scopes), key_format.new_key()
    days = command.expires_in_days
    expires_at = clock.now() + timedelta(days=days) if days else None
    key_id = clock.new_id()
    async with act(work, "create", "key", str(key_id), scopes=scopes):
        stored = await api_keys.add(work.connection, work.tenant, key_id, command.name, _stored(secret), scopes, expires_at)
        if stored is None:
            raise InvalidInput([FieldProblem("name", _TAKEN, "repeated")])
    return _view(stored, secret)


async def every(work: UnitOfWork) -> list[KeyBody]:
    """All keys of the tenant, the newest first, without their secrets."""
    return [_view(one) for one in await api_keys.listed(work.connection, work.tenant)]


async def rotate(work: UnitOfWork, key: str, command: RotateKey) -> KeyBody:
    """Give a key a new secret; the one before stays good for some hours, the one before that ends at once.

    Args:
        key: id, name or beginning of the key.

    Raises:
        KeyNotFound: no live key is meant.
    """
    secret = key_format.new_key()
    key_id = await _meant(work, key)
    overlap_s = command.overlap_hours * _S_PER_HOUR
    async with act(work, "rotate", "key", str(key_id), overlap_hours=command.overlap_hours):
        stored = await api_keys.rotate(work.connection, work.tenant, key_id, _stored(secret), overlap_s)
        if stored is None:
            raise KeyNotFound(key)
    return _view(stored, secret)


async def revoke(work: UnitOfWork, key: str) -> KeyBody:
    """End a key: within a second no process takes it any more.

    Args:
        key: id, name or beginning of the key.

    Raises:
        KeyNotFound: no key is meant.
    """
    key_id = await _meant(work, key)
    async with act(work, "revoke", "key", str(key_id)):
        stored = await api_keys.revoke(work.connection, work.tenant, key_id)
        if stored is None:
            raise KeyNotFound(key)
    return _view(stored)


def _granted(scope: Scope, wished: list[str] | None) -> list[str]:
    """The scopes of a new key: those wished for, else the usual ones that the caller has too."""
    if not wished:
        return [name for name in USUAL if is_allowed(scope, name)]
    problems = [problem for number, name in enumerate(wished) if (problem := _refusal(scope, f"scopes[{number}]", name))]
    if problems:
        raise InvalidInput(problems)
    return list(dict.fromkeys(wished))


def _refusal(scope: Scope, field: str, name: str) -> FieldProblem | None:
    if name not in PERMISSIONS:
        why = Message("Este permiso no existe. Elige entre: {choices}.", {"choices": ", ".join(PERMISSIONS)})
        return FieldProblem(field, why, "not_an_option")
    if not is_allowed(scope, name):
        return FieldProblem(
            field, Message("Tu clave de API no tiene este permiso, así que no puede darlo. Quítalo."), "not_an_option"
        )
    return None


async def _meant(work: UnitOfWork, key: str) -> UUID:
    known, wanted = await api_keys.listed(work.connection, work.tenant), uuid_or_none(key)
    if any(one.key_id == wanted for one in known):
        return UUID(str(wanted))
    # Of several with one name at most one lives; only those that were revoked may be ambiguous.
    live = [one for one in known if one.revoked_at is None and key in (one.name, one.prefix)]
    if len(live) != 1:
        raise KeyNotFound(key)
    return live[0].key_id


def _stored(secret: str) -> tuple[str, str]:
    return key_format.shown(secret), key_format.digest(secret)


def _view(stored: ApiKey, secret: str | None = None) -> KeyBody:
    return KeyBody(
        key_id=str(stored.key_id),
        name=stored.name,
        prefix=stored.prefix,
        scopes=list(stored.scopes),
        status=_status(stored),
        created_at=stored.created_at,
        expires_at=stored.expires_at,
        previous_until=stored.previous_until,
        revoked_at=stored.revoked_at,
        last_used_at=stored.last_used_at,
        key=secret,
    )


def _status(stored: ApiKey) -> str:
    if stored.revoked_at is not None:
        return "revoked"
    return "expired" if stored.expires_at is not None and stored.expires_at <= clock.now() else "live"
