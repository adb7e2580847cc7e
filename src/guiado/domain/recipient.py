"""Notification preferences of a recipient: which messages, in which language, and when; pure, so that a test sets the time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class RecipientPreferences:
    """Notification preferences of a recipient on one channel: which messages, in which language, and when.

    Args:
        channel: how messages travel.
        recipient: address, number or channel name.
        events: of which events they are told.
        muted: kinds of message that they do not want.
        language: es, en or pt; None for the language of the message.
        time_zone: IANA name; what the two times below mean.
        quiet_from: from then on, by their clock, nothing is sent…
        quiet_to: …until then; before `quiet_from` means the next day.
        digest_minutes: gather the messages of so many minutes into one; 0 sends each by itself.
        options: of the channel: `webhook_url`, `secret`.
    """

    channel: str
    recipient: str
    events: tuple[str, ...] = ()
    muted: tuple[str, ...] = ()
    language: str | None = None
    time_zone: str = "UTC"
    quiet_from: time | None = None
    quiet_to: time | None = None
    digest_minutes: int = 0
    options: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)

    def plan(self, kind: str, *, is_urgent: bool, is_gathered: bool, now: datetime) -> Send | Wait | Drop:
        """The plan for a message that is due: send it, wait or drop it.

        Args:
            kind: of the message.
            is_urgent: passes everything.
            is_gathered: it has waited for its digest already.
            now: aware.
        """
        if is_urgent:
            return Send()
        if kind in self.muted:
            return Drop()
        if (until := self.quiet_until(now)) is not None:
            return Wait(until, is_gathered=is_gathered or self.digest_minutes > 0)
        if self.digest_minutes and not is_gathered:
            return Wait(self.digest_at(now), is_gathered=True)
        return Send()

    def quiet_until(self, now: datetime) -> datetime | None:
        """End of the quiet hours in which `now` lies; None outside of them.

        Clocks that are put back pass the same hour twice: it is quiet both times.
        """
        if self.quiet_from is None or self.quiet_to is None or not self._is_quiet(now):
            return None
        zone = ZoneInfo(self.time_zone)
        today = now.astimezone(zone).date()
        ends = (
            datetime.combine(today + _DAY * days, self.quiet_to.replace(fold=fold), zone).astimezone(UTC)
            for days in (0, 1)
            for fold in (0, 1)
        )
        return min(end for end in ends if end > now and not self._is_quiet(end))

    def digest_at(self, now: datetime) -> datetime:
        """Time of the digest with the messages of this moment: a whole step of `digest_minutes` from the recipient's midnight."""
        midnight = datetime.combine(now.astimezone(ZoneInfo(self.time_zone)).date(), time(), ZoneInfo(self.time_zone))
        begin, step = midnight.astimezone(UTC), timedelta(minutes=self.digest_minutes)
        return begin + step * ((now - begin) // step + 1)

    def _is_quiet(self, moment: datetime) -> bool:
        begin, end = self.quiet_from, self.quiet_to
        if begin is None or end is None:
            return False
        here = moment.astimezone(ZoneInfo(self.time_zone)).time()
        return begin <= here < end if begin < end else here >= begin or here < end


@dataclass(frozen=True, slots=True)
class Send:
    """Plan to send the message now."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Plan to send the message later.

    Args:
        until: when.
        is_gathered: together with the others that wait for this moment.
    """

    until: datetime
    is_gathered: bool


@dataclass(frozen=True, slots=True)
class Drop:
    """Plan to drop the message, which the recipient does not want."""
