"""Static files of the pages, held in memory with their compressed copies; each address carries the digest of its file.

A browser may keep them for a year: another file has another address.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from guiado.errors import Message, SettingsInvalid, os_reason
from guiado.http.request import Http
from guiado.settings import Settings
from guiado.web.brand import branded_widget, style_of

HERE = Path(__file__).parent
STATIC = HERE / "static"
_KINDS = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webp": "image/webp",
    ".txt": "text/plain",
}
_LARGEST_LOGO_BYTES = 200_000
_COMPRESSED = frozenset((".css", ".js", ".svg", ".txt"))
_YEAR = "public, max-age=31536000, immutable"
_HOUR = "public, max-age=3600"
_FIVE_MINUTES = "public, max-age=300"
_WIDGET = "widget.js"
COLOR = re.compile(r"[0-9a-f]{6}")
"""A colour as addresses name it."""


@dataclass(frozen=True)
class Asset:
    """A static file.

    Args:
        name: as it stands in its address.
        content: its bytes.
        kind: its media type.
    """

    name: str
    content: bytes
    kind: str

    @cached_property
    def digest(self) -> str:
        """The name of this content: the beginning of its SHA-256."""
        return hashlib.sha256(self.content).hexdigest()[:10]

    @cached_property
    def packed(self) -> bytes | None:
        """The content as gzip packs it; None for what is packed already."""
        return gzip.compress(self.content, 9, mtime=0) if Path(self.name).suffix in _COMPRESSED else None


class Assets:
    """The static files of a service: guiado's own, and those of the team's brand.

    Args:
        settings: colour and logo of the brand.

    Raises:
        SettingsInvalid: the logo cannot be read, or is no picture that pages can show.
    """

    def __init__(self, settings: Settings) -> None:
        own = [_read(path, path.name) for path in sorted(STATIC.iterdir()) if path.suffix in _KINDS]
        logo = _logo(settings.brand_logo)
        brand = colored(settings.brand_color)
        self._by_name = {each.name: each for each in (*own, brand, *([logo] if logo else []))}
        self.widget = self._by_name[_WIDGET] = _widget(settings)
        self.logo = logo.name if logo else "mark.svg"
        self.has_color = bool(settings.brand_color)

    def find(self, name: str) -> Asset | None:
        """The file with this name, or None."""
        return self._by_name.get(name)

    def path(self, name: str) -> str:
        """The path of a file, with its digest."""
        return f"/static/{name}?v={self._by_name[name].digest}"


@lru_cache(maxsize=64)
def colored(color: str) -> Asset:
    """The style sheet that makes a colour the accent of the pages; empty for guiado's own."""
    return Asset("brand.css", style_of(color).encode(), _KINDS[".css"])


def _read(path: Path, name: str) -> Asset:
    return Asset(name, path.read_bytes(), _KINDS[path.suffix])


def _widget(settings: Settings) -> Asset:
    """The script of the widget, with the team's brand in it."""
    name = "" if settings.brand_name == "guiado" else settings.brand_name
    content = branded_widget((STATIC / _WIDGET).read_text("utf-8"), settings.brand_color, name)
    return Asset(_WIDGET, content.encode(), _KINDS[".js"])


def _logo(path: Path | None) -> Asset | None:
    if path is None:
        return None
    suffix = path.suffix.lower()
    try:
        asset = Asset(f"logo{suffix}", path.read_bytes(), _KINDS.get(suffix, ""))
    except OSError as error:
        raise _unusable(path, os_reason(error)) from None
    if suffix not in {".svg", ".png", ".webp"} or len(asset.content) > _LARGEST_LOGO_BYTES:
        raise _unusable(path, Message("debe ser SVG, PNG o WebP, de 200 KB como máximo"))
    return asset


def _unusable(path: Path, problem: Message) -> SettingsInvalid:
    return SettingsInvalid(
        "GUIADO_BRAND_LOGO no se puede usar: {problem}.\nRevisa el archivo: {path}", problem=problem, path=str(path)[:200]
    )


def assets_of(request: Http) -> Assets:
    """The static files of this process."""
    return request.app.state["assets"]


@get("/static/{name:str}", include_in_schema=False)
async def static(request: Http, name: FromPath[str]) -> Response[bytes]:
    """A static file."""
    asset, color = assets_of(request).find(name), request.query_params.get("color", "")
    if asset is None:
        raise NotFoundException
    if name == "brand.css" and COLOR.fullmatch(color):  # the colour of the site that shows the page in a frame
        asset = colored(f"#{color}")
    return _answer(request, asset, _YEAR if request.url.query == f"v={asset.digest}" else _HOUR)


@get(f"/{_WIDGET}", include_in_schema=False)
async def widget(request: Http) -> Response[bytes]:
    """The script of the widget. Its address stands in the pages of other sites, so that it never changes."""
    return _answer(request, assets_of(request).widget, _FIVE_MINUTES)


def _answer(request: Http, asset: Asset, keeps: str) -> Response[bytes]:
    tag = f'"{asset.digest}"'
    headers = {"Cache-Control": keeps, "ETag": tag, "X-Content-Type-Options": "nosniff", "Vary": "Accept-Encoding"}
    if asset.kind == _KINDS[".svg"]:
        headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    if asset.name == _WIDGET:
        headers |= {"Cross-Origin-Resource-Policy": "cross-origin", "Access-Control-Allow-Origin": "*"}
    if request.headers.get("if-none-match") == tag:
        return Response(b"", status_code=304, headers=headers, media_type=asset.kind)
    packed = asset.packed if accepts_gzip(request.headers.get("accept-encoding", "")) else None
    if packed is None:
        return Response(asset.content, headers=headers, media_type=asset.kind)
    return Response(packed, headers={**headers, "Content-Encoding": "gzip"}, media_type=asset.kind)


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether an `Accept-Encoding` header takes gzip."""
    parts = (part.strip().lower() for part in accept_encoding.split(","))
    return any(part == "gzip" or (part.startswith("gzip;") and not part.endswith(("q=0", "q=0.0"))) for part in parts)
