"""The guides that most tests use: those that shipped when they were seven, so that a test of the program does not depend on content."""

from __future__ import annotations

from pathlib import Path

SEVEN_GUIDES = Path(__file__).parent / "data" / "seven_guides.json"
