"""Lint of a knowledge base: one module for each kind of check, all of them together in `base`."""

from __future__ import annotations

from guiado.app.knowledge.lint.base import MOST_TRIED, can_try, lint

__all__ = ["MOST_TRIED", "can_try", "lint"]
