"""Posterior of a guide: samples of what may be so, drawn from the evidence and the author's numbers."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from guiado.guidance.special import Floats

_NORMAL_95 = 1.96
_CHAINS = "chains"


@dataclass(frozen=True)
class Chains:
    """State of C chains of the sampler, from which a later refit goes on.

    Args:
        pool: (C, K) shares of the causes over all variants, now.
        at_first, of_variants, trust, alike: see `Factors`.
        removes: (C, K, n) chances that a step removes a cause.
        overlap: (C,) share of the pairs of cause and step that overlap.
        noise: (C, 4) late, untold, false, back.
    """

    pool: Floats
    at_first: Floats
    of_variants: Floats
    trust: Floats
    alike: Floats
    removes: Floats
    overlap: Floats
    noise: Floats


@dataclass(frozen=True)
class Posterior:
    """Beliefs about a guide after its sessions: S samples, all alike likely.

    Args:
        shares: (S, V, K) shares of the causes for each variant, now.
        removes: (S, K, n) chances that a step removes a cause.
        evidence: (S, E, K) how much likelier a cause is, for each class of descriptions.
        answers: (S, A, K) probability of each answer for each cause, questions one after another.
        minutes: (n,) of each step.
        could_not: (n,) chance that a customer cannot do a step.
        could_not_cost: share of the minutes that a step takes which cannot be done.
        leaves: (n,) chance that a customer leaves at an offer of each step.
        noise: (4,) late, untold, false, back.
        sessions: that it was learned from.
        step_sessions: (n,) of them that tried each step.
    """

    shares: Floats
    removes: Floats
    evidence: Floats
    answers: Floats
    minutes: Floats
    could_not: Floats
    could_not_cost: float
    leaves: Floats
    noise: Floats
    sessions: int
    step_sessions: Floats
    chains: Chains

    def chances(self, variant: int) -> Floats:
        """(S, n) chances that a step solves the problem of a variant's customer, if it is offered first."""
        return np.einsum("sk,skn->sn", self.shares[:, variant], self.removes)

    def to_bytes(self) -> bytes:
        """The posterior, compressed: a line of JSON with the shape of each array, and their numbers as little-endian float32."""
        own = {each.name: getattr(self, each.name) for each in fields(self) if each.name != _CHAINS}
        chains = {f"{_CHAINS}.{each.name}": getattr(self.chains, each.name) for each in fields(Chains)}
        arrays = {name: np.asarray(value, dtype="<f4") for name, value in (own | chains).items()}
        shapes = json.dumps({name: each.shape for name, each in arrays.items()}, separators=(",", ":"))
        return zlib.compress(b"\n".join([shapes.encode(), b"".join(each.tobytes() for each in arrays.values())]))

    @classmethod
    def from_bytes(cls, packed: bytes) -> Posterior:
        """Read back what `to_bytes` wrote.

        Raises:
            ValueError: it is something else.
        """
        try:
            shapes, _, numbers = zlib.decompress(packed).partition(b"\n")
            flat, place, found = np.frombuffer(numbers, dtype="<f4").astype(np.float64), 0, dict[str, Any]()
            for name, shape in json.loads(shapes).items():
                size = int(np.prod(shape, dtype=np.int64))
                found[name], place = flat[place : place + size].reshape(shape), place + size
            chains = Chains(**{each.name: found.pop(f"{_CHAINS}.{each.name}") for each in fields(Chains)})
            whole: dict[str, Any] = {"could_not_cost": float(found["could_not_cost"]), "sessions": int(found["sessions"])}
            return cls(**found | whole, chains=chains)
        except (zlib.error, KeyError, TypeError, AttributeError) as error:
            msg = "not a posterior"
            raise ValueError(msg) from error


def interval(samples: Floats) -> tuple[Floats, Floats, Floats]:
    """Mean and 95 % interval of probabilities along the first axis: normal on the scale that evens out their spread."""
    scaled = np.arcsin(np.sqrt(np.clip(samples, 0, 1)))
    middle, spread = scaled.mean(axis=0), _NORMAL_95 * scaled.std(axis=0)
    low, high = np.clip(middle - spread, 0, np.pi / 2), np.clip(middle + spread, 0, np.pi / 2)
    return samples.mean(axis=0), np.sin(low) ** 2, np.sin(high) ** 2
