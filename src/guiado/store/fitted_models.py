"""Fitted models of detection for a knowledge base, and the judged detections that measure them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from guiado.store.connection import Connection
from guiado.store.queries import sql

_KEPT = 3
_MOST_JUDGED = 1_000
_MOST_OF_MAILBOX = 3
_MOST_OF_DOMAIN = 10  # in one day: fewer than move anything, see `calibration.LEAST_JUDGED`


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A fitted model as bytes.

    Args:
        contents: the contents that it was fitted for, see `Index.contents`.
        model: for `FittedModel.from_bytes`.
    """

    contents: str
    model: bytes


@dataclass(frozen=True, slots=True)
class LastFit:
    """The newest fit of a model.

    Args:
        contents: the contents that it was for.
        fit_s: seconds that it took.
        age_s: seconds since.
    """

    contents: str
    fit_s: float
    age_s: float


@dataclass(frozen=True, slots=True)
class JudgedDetection:
    """A detection that a person judged right or wrong.

    Args:
        confidence: as it was reported, 0..1.
        intercept: what had been added to its log-odds by then.
        was_right: whether the problem that was found was the right one.
    """

    confidence: float
    intercept: float
    was_right: bool


async def load(connection: Connection, tenant: str, scope: str, contents: str) -> StoredModel | None:
    """The model for exactly these contents, else the last fitted one; None when there is none."""
    row = await connection.fetchrow(sql("detectors", "load"), tenant, scope, contents)
    return StoredModel(row["contents"], row["model"]) if row else None


async def last_fit(connection: Connection, tenant: str, scope: str) -> LastFit | None:
    """The newest fit; None when there is none."""
    row = await connection.fetchrow(sql("detectors", "last_fit"), tenant, scope)
    return LastFit(row["contents"], row["fit_seconds"], row["age_s"]) if row else None


async def keep(connection: Connection, tenant: str, scope: str, contents: str, version: str, model: bytes, fit_s: float) -> None:
    """Store a model, and delete all but the last few.

    Args:
        fit_s: seconds that the fit took.
    """
    await connection.execute(sql("detectors", "keep"), tenant, scope, contents, version, model, fit_s)
    await connection.execute(sql("detectors", "forget"), tenant, scope, _KEPT)


async def judged(connection: Connection, tenant: str, scope: str, memory: timedelta) -> list[JudgedDetection]:
    """The newest judged detections of sessions within `memory`, 1,000 at most, and of one customer only a few."""
    limits = _MOST_JUDGED, _MOST_OF_MAILBOX, _MOST_OF_DOMAIN
    rows = await connection.fetch(sql("detectors", "judged"), tenant, scope, memory, *limits)
    return [JudgedDetection(row["confidence"], row["intercept"], row["was_right"]) for row in rows]
