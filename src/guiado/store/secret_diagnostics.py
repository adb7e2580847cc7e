"""Check of the stored credentials for `guiado doctor`: whether this installation has their key. Changes nothing."""

from __future__ import annotations

from guiado.store import stored_secrets
from guiado.store.check_result import Finding, doubtful, good
from guiado.store.secret_box import SecretBox


async def look_at_secrets(dsn: str, box: SecretBox, tenant: str) -> list[Finding]:
    """A finding about the key and what is encrypted with it.

    Raises:
        SecretKeyWrong: the database was written with a key that is not here.
        DatabaseUnavailable: it cannot be read.
    """
    await stored_secrets.require_keys(dsn, box, tenant)
    known, counts = {key.id for key in box.keys}, (await stored_secrets.status(dsn, tenant)).counts
    lost = [one for one in counts if one.key_id is not None and one.key_id not in known]
    if lost:
        names = ", ".join(name for one in lost for name in one.names) or "—"
        return [
            doubtful(
                "secrets",
                "Hay secretos que no se pueden leer, porque su clave de cifrado se perdió: {count} (en: {names}).\n"
                "Escríbelos otra vez: guiado webhooks rotate --overlap 0, guiado webhooks add y guiado recipients add.",
                count=sum(one.count for one in lost),
                names=names,
            )
        ]
    return [good("secrets", "Los secretos guardados están cifrados, y su clave de cifrado está aquí.")]
