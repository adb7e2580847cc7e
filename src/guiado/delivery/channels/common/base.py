"""The interface of all channels: message, receipt, and helpers for texts."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

_BREAKS = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1b\x1f\x7f-\x9f]")  # besides those above
_DANGEROUS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_LINK = re.compile(r"https?://[!-~]{1,1900}", re.IGNORECASE)
_LONGEST_TEXT = 100_000  # no channel takes more; measuring a text of megabytes again and again would take long


@dataclass(frozen=True, slots=True)
class Button:
    """A button below a message.

    Args:
        label: what stands on it.
        url: where it leads; only `http` and `https` are sent.
        action: what Slack reports when it is clicked, where it has no URL.
    """

    label: str
    url: str | None = None
    action: str | None = None

    def __post_init__(self) -> None:
        """Clean the texts, as `Outgoing` does."""
        object.__setattr__(self, "label", one_line(self.label))
        object.__setattr__(self, "action", one_line(self.action) if self.action else None)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to one recipient.

    Args:
        notification_id: the same for every attempt: message id or idempotency key where a provider knows one.
        recipient: address, number, channel name or topic.
        subject: kept on one line, whatever a customer's words bring; not every channel shows it.
        text: plain text, without control characters; each channel escapes it itself.
        priority: low, normal, high or urgent.
        language: es, en or pt, for the few words that a channel adds.
        session_id: threads e-mails.
        buttons: links and, in Slack, actions.
        options: of the channel: `webhook_url`, `secret`.
    """

    notification_id: str
    recipient: str
    subject: str | None
    text: str
    priority: str
    language: str = "es"
    session_id: str | None = None
    buttons: tuple[Button, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)

    def __post_init__(self) -> None:
        """Clean the texts: no character may make a message undeliverable."""
        object.__setattr__(self, "subject", one_line(self.subject or "") or None)
        object.__setattr__(self, "text", plain_text(self.text))


@dataclass(frozen=True, slots=True)
class Receipt:
    """A provider's receipt for a message that it took.

    Args:
        provider_message_id: the provider's own name for it.
        detail: what else is worth knowing, in the message's language: "2 segmentos".
    """

    provider_message_id: str | None = None
    detail: str | None = None


class Channel(Protocol):
    """A channel, by which messages are sent."""

    async def send(self, outgoing: Outgoing) -> Receipt:
        """Send one message, once.

        Raises:
            DeliveryFailed: it was not taken; says whether trying again can help, and after how long.
            TargetRefused: the address must not be called.
        """
        ...


def find_links(outgoing: Outgoing) -> list[tuple[str, str]]:
    """Return label and URL of the buttons with an `http` or `https` link; `javascript:` is left out."""
    return [(button.label, button.url) for button in outgoing.buttons if button.url and _LINK.fullmatch(button.url)]


def list_links(outgoing: Outgoing) -> str:
    """Return the links as lines below a plain text; empty where there are none."""
    return "".join(f"\n{label}: {url}" for label, url in find_links(outgoing))


def cut(text: str, note: str, fits: Callable[[str], bool]) -> str:
    """Cut a text to its longest beginning that fits with the note; a text that fits stays whole.

    Args:
        note: says that something is missing.
        fits: whether a text is short enough; what begins one that is, is too.
    """
    given, text = text, text[:_LONGEST_TEXT]
    if len(given) == len(text) and fits(text):
        return text
    kept, too_many = 0, len(text) + 1
    while too_many - kept > 1:
        middle = (kept + too_many) // 2
        kept, too_many = (middle, too_many) if fits(text[:middle] + note) else (kept, middle)
    return text[:kept] + note


def one_line(words: str) -> str:
    """Clean words for one line: control characters and line separators, which could begin another header, become blanks.

    Everything else stays: joiners of emoji, marks of direction, zero-width blanks.
    """
    return _DANGEROUS.sub(" ", _without_half_pairs(words)).strip()


def plain_text(words: str) -> str:
    """Clean a text of any number of lines: every line break becomes a line feed, other control characters a blank."""
    return _CONTROLS.sub(" ", _BREAKS.sub("\n", _without_half_pairs(words)))


def _without_half_pairs(words: str) -> str:
    # Half of a UTF-16 pair cannot be written as UTF-8.
    return words if words.isascii() else words.encode("utf-8", "replace").decode()
