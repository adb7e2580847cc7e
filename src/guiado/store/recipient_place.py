"""The credentials of a recipient, and of the messages to it: a hook's address and its secret.

A message has the place of its recipient: a statement compares the addresses of several, and an event's message takes over the
recipient as it is stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from guiado.store.secret_box import SecretBox

CREDENTIALS = ("webhook_url", "secret")
"""Names, among the options of a recipient and the metadata of a message, of what lets somebody in."""


@dataclass(frozen=True, slots=True)
class RecipientPlace:
    """Place of the credentials of one recipient.

    Args:
        box: encrypts and decrypts.
        tenant, channel: of the recipient.
    """

    box: SecretBox
    tenant: str
    channel: str

    def seal(self, recipient: str) -> str:
        """Encrypt a recipient that is an address of a hook; names, numbers and e-mail addresses stay as they are."""
        return self.box.seal_or_keep(recipient, "recipient", self.tenant, self.channel) if "://" in recipient else recipient

    def open(self, recipient: str) -> str:
        """Decrypt a recipient; one that cannot be decrypted stays as it is."""
        return self.box.open_or_keep(recipient, "recipient", self.tenant, self.channel)

    def forms(self, recipients: Iterable[str]) -> list[str]:
        """All forms in which a recipient may be stored, for each of its spellings."""
        return [form for one in recipients for form in self._forms(one)]

    def seal_options(self, recipient: str, options: Mapping[str, object]) -> dict[str, object]:
        """Encrypt the credentials among options; what could not be decrypted stays as it is."""
        return {
            name: self.box.seal_or_keep(value, *self._option(recipient, name))
            if name in CREDENTIALS and isinstance(value, str)
            else value
            for name, value in options.items()
        }

    def open_options(self, recipient: str, options: Mapping[str, object]) -> dict[str, object]:
        """Decrypt the credentials among options; as `open`."""
        return {
            name: self.box.open_or_keep(value, *self._option(recipient, name))
            if name in CREDENTIALS and isinstance(value, str)
            else value
            for name, value in options.items()
        }

    def _forms(self, recipient: str) -> list[str]:
        return self.box.forms(recipient, "recipient", self.tenant, self.channel) if "://" in recipient else [recipient]

    def _option(self, recipient: str, name: str) -> tuple[str, str, str, str, str]:
        return ("recipient.option", self.tenant, self.channel, recipient, name)
