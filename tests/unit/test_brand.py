"""A team's colour: readable on light and on dark paper, whatever it is."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guiado.web.brand import contrast, mix, readable, style_of

COLORS = st.integers(0, 0xFFFFFF).map(lambda value: f"#{value:06x}")


def test_contrast_as_wcag_gives_it() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert contrast("#123456", "#123456") == 1


@given(COLORS)
def test_any_color_can_be_read_in_both_themes(color: str) -> None:
    by_day, by_night = (dict(re.findall(r"(--[\w-]+):(#\w+)", part)) for part in style_of(color).split("@media"))
    assert contrast(by_day["--g-accent"], "#faf9f6") >= 4.5
    assert contrast(by_day["--g-accent"], by_day["--g-on-accent"]) >= 4.5
    assert contrast(by_night["--g-accent"], "#12171c") >= 4.5
    assert contrast(by_night["--g-accent"], by_night["--g-on-accent"]) >= 4.5


def test_a_color_that_can_be_read_stays() -> None:
    assert readable("#1a5fb4", "#faf9f6", "#000000") == "#1a5fb4"
    assert style_of("") == ""
    assert mix("#000000", "#ffffff", 0.5) == "#808080"
