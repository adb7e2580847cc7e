"""Answers of the routes of guidance."""

from __future__ import annotations

from guiado.app.guidance.models import GuidanceOut
from guiado.app.models import Model


class GuidanceChanged(Model):
    """Answer to changing the rules of a guide: what its order is now, and what each rule costs."""

    success: bool
    guidance: GuidanceOut
    message: str
