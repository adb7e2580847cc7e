"""The credentials in the row of a webhook: its secrets, the values of its headers, and its address where that is a key.

All its secrets have one place, since a statement moves them from column to column during a rotation. A header's place is its name
in lower case.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from msgspec import Struct

from guiado.store.connection import Row
from guiado.store.secret_box import SecretBox, is_sealed
from guiado.text.url_credentials import has_credential, masked_url

MASK = "********"
"""Mask shown in place of a header's value; sent back, it leaves the value as it is."""


class StoredCredentials(Struct):
    """Columns of a webhook with credentials, as they are stored."""

    url: str
    url_shown: str | None
    secret: str | None
    previous_secret: str | None
    headers: dict[str, str]
    older_secrets: list[dict[str, str | None]]


def shown_url(url: str) -> str:
    """An address as lists show it, without its credential; one that could not be decrypted is all mask."""
    return MASK if is_sealed(url) else masked_url(url)


def shown_beside(url: str) -> str | None:
    """The address that is stored legibly beside an encrypted one; None where the address itself is legible."""
    return masked_url(url) if has_credential(url) else None


@dataclass(frozen=True, slots=True)
class EndpointPlace:
    """Place of the credentials of one webhook.

    Args:
        box: encrypts and decrypts.
        tenant, webhook_id: key of the row.
    """

    box: SecretBox
    tenant: str
    webhook_id: str

    def seal_secret(self, secret: str) -> str:
        """Encrypt a secret."""
        return self.box.seal_or_keep(secret, "webhook.secret", self.tenant, self.webhook_id)

    def seal_url(self, url: str) -> str:
        """Encrypt an address that holds a credential; any other stays legible, for the views that people read."""
        return self.box.seal_or_keep(url, "webhook.url", self.tenant, self.webhook_id) if has_credential(url) else url

    def seal_headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Encrypt the values of headers; a masked one stays masked."""
        return {
            name: value if value == MASK else self.box.seal_or_keep(value, *self._header_place(name))
            for name, value in headers.items()
        }

    def open_url(self, url: str) -> str:
        """Decrypt an address; one that cannot be decrypted stays as it is."""
        return self.box.open_or_keep(url, "webhook.url", self.tenant, self.webhook_id)

    def open_secret(self, secret: str | None) -> str | None:
        """Decrypt a secret; as `open_url`."""
        return None if secret is None else self.box.open_or_keep(secret, "webhook.secret", self.tenant, self.webhook_id)

    def opened(self, row: Row) -> dict[str, object]:
        """Columns of the row that hold credentials, decrypted; as `open_url`."""
        headers: Mapping[str, str] = row["headers"]
        older: Sequence[Mapping[str, str | None]] = row["older_secrets"]
        return {
            "url": self.open_url(row["url"]),
            "secret": self.open_secret(row["secret"]),
            "previous_secret": self.open_secret(row["previous_secret"]),
            "older_secrets": [{**one, "secret": self.open_secret(one.get("secret"))} for one in older],
            "headers": self.open_headers(headers),
        }

    def open_headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Decrypt the values of headers; as `open_url`."""
        return {name: self.box.open_or_keep(value, *self._header_place(name)) for name, value in headers.items()}

    def sealed_again(self, row: StoredCredentials) -> StoredCredentials:
        """Credentials of the row, encrypted with the first key; what cannot be decrypted stays as it is."""
        url = self.open_url(row.url)
        return StoredCredentials(
            url=self.seal_url(url),
            url_shown=row.url_shown if is_sealed(url) else shown_beside(url),
            secret=self._secret_again(row.secret),
            previous_secret=self._secret_again(row.previous_secret),
            headers=self.seal_headers(self.open_headers(row.headers)),
            older_secrets=[{**one, "secret": self._secret_again(one.get("secret"))} for one in row.older_secrets],
        )

    def _secret_again(self, stored: str | None) -> str | None:
        opened = self.open_secret(stored)
        return None if opened is None else self.seal_secret(opened)

    def _header_place(self, name: str) -> tuple[str, str, str, str]:
        return ("webhook.header", self.tenant, self.webhook_id, name.lower())
