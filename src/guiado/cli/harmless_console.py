"""A terminal's console that shows what customers wrote, and never obeys it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

_COMMANDS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""What moves a cursor, renames a window, or turns the order of letters around; line breaks and tabs are none."""


class HarmlessConsole(Console):
    """Leaves control characters out of everything that is printed, wherever it came from; styles are the console's own."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render in segments, whose texts are free of commands; they have no width, so that columns stay where they are."""
        for segment in super().render(renderable, options):
            is_free = segment.control or not _COMMANDS.search(segment.text)
            yield segment if is_free else Segment(_COMMANDS.sub("", segment.text), segment.style)


def escaped(json_text: str) -> str:
    """JSON whose strings name control characters instead of holding them: the same values."""
    return _COMMANDS.sub(lambda found: f"\\u{ord(found[0]):04x}", json_text)
