"""Pictures and videos of a step as pages show them: stored pictures in the page, all others as links."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from guiado.domain.media import SCHEME, path_of


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture or a video of a step.

    Args:
        url: to show or to lead to.
        width, height: in pixels, of a picture that the page shows; 0 for a link.
        is_video: whether it leads to a video.
    """

    url: str
    alt: str
    caption: str
    width: int = 0
    height: int = 0
    is_video: bool = False


def figures_of(media: Iterable[Mapping[str, str]], sizes: Mapping[str, tuple[int, int]], prefix: str) -> list[Figure]:
    """The figures of a step; a stored picture that is not there is left out.

    Args:
        media: `{"type", "url", "alt", "caption"}` of each.
        sizes: address of a stored picture -> its width and height.
        prefix: of the service.
    """
    return [figure for each in media if (figure := _figure(each, sizes, prefix))]


def _figure(medium: Mapping[str, str], sizes: Mapping[str, tuple[int, int]], prefix: str) -> Figure | None:
    url, alt, caption = medium.get("url", ""), medium.get("alt", ""), medium.get("caption", "")
    if url.startswith(SCHEME):
        return Figure(f"{prefix}{path_of(url)}", alt, caption, *sizes[url]) if url in sizes else None
    # Pages load nothing from other sites.
    return Figure(url, alt, caption, is_video=medium.get("type") == "video") if url.startswith("https://") else None
