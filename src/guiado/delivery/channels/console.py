"""The twin of every channel for development: shows what would be sent, as that channel would write it."""

from __future__ import annotations

import json
import sys
from typing import TextIO

from guiado.delivery.channels.base import Outgoing, Receipt
from guiado.settings import Settings

_SENDER = "guiado <guiado@localhost>"


class ConsoleChannel:
    """Writes messages to a stream instead of sending them; needs no account, and sends nothing anywhere.

    Args:
        kind: the channel whose twin it is.
        settings: `SMTP_FROM`, where it is set.
        stream: where to write; standard error by default.
    """

    def __init__(self, kind: str, settings: Settings, stream: TextIO | None = None) -> None:
        self._kind, self._settings, self._stream = kind, settings, stream

    async def send(self, outgoing: Outgoing) -> Receipt:
        """Show one message; see `Channel.send`. What the channel would refuse by itself is refused here too."""
        shown, detail = self._render(outgoing)
        lines = "\n".join(f"  {_printable(line)}" for line in shown.splitlines())
        head = _printable(f"── {self._kind} → {outgoing.recipient} ({outgoing.notification_id}, {outgoing.priority})")
        print(f"{head}\n{lines}", file=self._stream or sys.stderr, flush=True)
        return Receipt(provider_message_id=f"console-{outgoing.notification_id}", detail=detail)

    def _render(self, outgoing: Outgoing) -> tuple[str, str | None]:
        match self._kind:
            case "email":
                return self._render_mail(outgoing), None
            case "sms":
                from guiado.delivery.channels.sms import describe_size, render_sms

                number, words = render_sms(outgoing)
                size = describe_size(words, outgoing.language)
                return f"{number} ({size})\n{words}", size
            case "push":
                from guiado.delivery.channels.push import render_push

                headers, body = render_push(outgoing)
                head = "\n".join(f"{name}: {value}" for name, value in headers.items())
                return f"{head}\n\n{body.decode()}", None
            case _:
                return json.dumps(self._render_json(outgoing), ensure_ascii=False, indent=2), None

    def _render_json(self, outgoing: Outgoing) -> dict[str, object]:
        match self._kind:
            case "slack":
                from guiado.delivery.channels.slack import render_slack as render
            case "teams":
                from guiado.delivery.channels.teams import render_teams as render
            case "discord":
                from guiado.delivery.channels.discord import render_discord as render
            case "apprise":
                return {"title": outgoing.subject, "body": outgoing.text}
            case _:
                from guiado.delivery.channels.webhook import render_webhook as render
        return render(outgoing)

    def _render_mail(self, outgoing: Outgoing) -> str:
        from guiado.delivery.channels.email import read_sender, render_email

        mail = render_email(outgoing, read_sender(self._settings.smtp_from or _SENDER))
        head = "\n".join(f"{name}: {value}" for name, value in mail.headers.items())
        parts = [part for part in mail.body.walk() if not part.is_multipart()]
        return "\n\n".join([head, *(f"[{part.get_content_type()}]\n{part.get_content()}" for part in parts)])


def _printable(line: str) -> str:
    """Without what a terminal would obey: a customer's words come through here."""
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in line)
