"""Apprise: every service that it supports, for operators who ask for it: `pip install "guiado[apprise]"`.

Apprise has its own HTTP client, so its addresses come from the operator's environment only, it follows no redirect, and
each message has a deadline after which nobody waits for it any more.
"""

from __future__ import annotations

import re
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from guiado.delivery.channels import Tools, channel
from guiado.delivery.channels.common.base import Outgoing, Receipt, list_links
from guiado.delivery.channels.common.console import shown_as_json
from guiado.errors import DeliveryFailed, SettingsInvalid
from guiado.i18n import text
from guiado.settings import Settings

if TYPE_CHECKING:
    from apprise import Apprise, AppriseResult

NO_APPRISE = "Apprise no está configurado: pon APPRISE_URLS."
_TIMEOUT_S = 20.0
_BETWEEN = re.compile(r"(?<![\s,])[\s,]++(?=[a-zA-Z0-9]+://)")  # a comma may also be a part of one URL
_PRIORITY_TYPES = {"high": "warning", "urgent": "failure"}


class AppriseChannel:
    """Channel that sends to all of the operator's `APPRISE_URLS`.

    Args:
        settings: `APPRISE_URLS`, by commas or blanks.
        timeout_s: for one message to all of them, in seconds.

    Raises:
        DeliveryFailed: Apprise is not installed.
        SettingsInvalid: no URL.
    """

    def __init__(self, settings: Settings, *, timeout_s: float = _TIMEOUT_S) -> None:
        if find_spec("apprise") is None:
            raise DeliveryFailed('Apprise no está instalado: pip install "guiado[apprise]".', of_channel=True)
        if not settings.apprise_urls.strip(" ,"):
            raise SettingsInvalid(NO_APPRISE)
        self._urls, self._timeout_s = settings.apprise_urls, timeout_s
        self._threads = anyio.CapacityLimiter(8)

    async def send(self, outgoing: Outgoing) -> Receipt:
        """Send one message to every target; see `Channel.send`. It is taken when at least one target takes it."""
        notify = partial(_notify, self._urls, outgoing, self._timeout_s)
        try:
            with anyio.fail_after(self._timeout_s):
                result = await anyio.to_thread.run_sync(notify, abandon_on_cancel=True, limiter=self._threads)
        except TimeoutError:
            raise DeliveryFailed(
                "{host}: sin respuesta completa en {timeout_s} s.", host="Apprise", timeout_s=self._timeout_s
            ) from None
        return _read(result, outgoing.language)


def _read(result: AppriseResult, language: str) -> Receipt:
    taken, asked = sum(map(bool, result)), len(list(result))
    if taken == 0:
        raise DeliveryFailed("Apprise: ningún destino aceptó el mensaje. Revisa APPRISE_URLS.", of_channel=True)
    return Receipt(detail=text(language, "{taken} de {asked} destinos", taken=taken, asked=asked))


def _notify(urls: str, outgoing: Outgoing, timeout_s: float) -> AppriseResult:
    """Notify all targets, in a thread: loading Apprise's many services takes a moment, and its requests block."""
    return _open_targets(urls).notify(  # pyright: ignore[reportUnknownMemberType] its package types only a part
        body=outgoing.text + list_links(outgoing),
        title=(outgoing.subject or "").replace("=?", "=\u200b?"),  # its mails would carry an encoded word as it stands
        notify_type=_PRIORITY_TYPES.get(outgoing.priority, "info"),
        body_format="text",
        timeout=timeout_s,
    )


def _open_targets(urls: str) -> Apprise:
    from apprise import Apprise, AppriseAsset

    targets = Apprise(asset=AppriseAsset(http_redirects=False, app_id="guiado"))
    for number, url in enumerate(_BETWEEN.split(urls.strip(" ,")), 1):
        if not targets.add(url):  # pyright: ignore[reportUnknownMemberType]
            raise DeliveryFailed(
                "APPRISE_URLS: Apprise no entiende la dirección número {number}.", of_channel=True, number=number
            )
    return targets


@channel(
    "apprise",
    show=shown_as_json(lambda outgoing: {"title": outgoing.subject, "body": outgoing.text}),
    needs=lambda settings: None if settings.apprise_urls.strip(" ,") else NO_APPRISE,
)
def make_apprise_channel(tools: Tools) -> AppriseChannel:
    """Make the Apprise channel."""
    return AppriseChannel(tools.settings)
