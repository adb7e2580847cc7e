"""Console channel for development: shows each message as the real channel would write it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TextIO

from guiado.delivery.channels.common.base import Outgoing, Receipt

if TYPE_CHECKING:
    from guiado.settings import Settings


class ConsoleChannel:
    """Channel that writes messages to a stream instead of sending them; needs no account, and sends nothing anywhere.

    Args:
        kind: name of the channel that it replaces.
        settings: `SMTP_FROM`, where it is set.
        stream: where to write; standard error by default.
    """

    def __init__(self, kind: str, settings: Settings, stream: TextIO | None = None) -> None:
        self._kind, self._settings, self._stream = kind, settings, stream

    async def send(self, outgoing: Outgoing) -> Receipt:
        """Show one message; see `Channel.send`. A message that the real channel refuses by itself is refused here too."""
        from guiado.delivery.channels import kind_of

        kind = kind_of(self._kind)
        shown, detail = kind.show(outgoing, self._settings) if kind else (outgoing.text, None)
        lines = "\n".join(f"  {_printable(line)}" for line in shown.splitlines())
        head = _printable(f"── {self._kind} → {outgoing.recipient} ({outgoing.notification_id}, {outgoing.priority})")
        print(f"{head}\n{lines}", file=self._stream or sys.stderr, flush=True)
        return Receipt(provider_message_id=f"console-{outgoing.notification_id}", detail=detail)


def shown_as_json(render: Callable[[Outgoing], Mapping[str, object]]) -> Callable[[Outgoing, Settings], tuple[str, str | None]]:
    """Make the `show` of a channel whose messages are JSON."""

    def show(outgoing: Outgoing, _settings: Settings) -> tuple[str, str | None]:
        return json.dumps(render(outgoing), ensure_ascii=False, indent=2), None

    return show


def _printable(line: str) -> str:
    """Escape unprintable characters, which a terminal would obey: the line may hold a customer's words."""
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in line)
