"""Choice between a page and JSON, by the `Accept` header.

Source: RFC 9110, section 12.5.1.
"""

from __future__ import annotations

import re

from guiado.http.request import Http

_QUALITY = re.compile(r"[01](?:\.\d{0,3})?", re.ASCII)


def is_for_people(request: Http) -> bool:
    """Whether a request prefers HTML to JSON; with equal preference the answer is JSON."""
    weights = _weights(request.headers.get("accept", ""))
    others = max((weight for kind, weight in weights.items() if kind.endswith("json")), default=0.0)
    return weights.get("text/html", 0.0) > others


def _weights(accept: str) -> dict[str, float]:
    """Parse an `Accept` header into media types and their weights, 0 to 1."""
    found: dict[str, float] = {}
    for part in accept.lower().split(","):
        kind, *parameters = (piece.strip() for piece in part.split(";"))
        quality = next((piece[2:] for piece in parameters if piece.startswith("q=")), "1")
        found[kind] = float(quality) if _QUALITY.fullmatch(quality) else 1.0
    return found
