"""The pictures of guides, which browsers may keep for ever: another content has another address."""

from __future__ import annotations

from litestar import HttpMethod, Response, route
from litestar.params import FromPath

from guiado.app.context import Scope
from guiado.app.knowledge import media
from guiado.domain.media import PATH, SCHEME, sha256_in
from guiado.http.request import Http, runtime_of
from guiado.web.state import missing

_HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "cross-origin",
}


@route(PATH + "/{name:str}", http_method=[HttpMethod.GET, HttpMethod.HEAD], include_in_schema=False)
async def show_medium(request: Http, name: FromPath[str]) -> Response[bytes]:
    """A picture of the guides."""
    sha256 = sha256_in(name)
    found = await _find(request, sha256) if sha256 else None
    if found is None or found[0].address != f"{SCHEME}{name}":
        return missing(request)
    return Response(found[1], media_type=found[0].media_type, headers=_HEADERS)


async def _find(request: Http, sha256: str) -> tuple[media.StoredMedium, bytes] | None:
    """The picture, of the process's own tenant or of another one that it serves: whoever knows its hash has seen it."""
    runtime = runtime_of(request)
    for tenant in (runtime.parts.tenant, *runtime.open_tenants):
        if found := await runtime.parts.run_read(Scope(tenant), media.read_one, sha256):
            return found
    return None


HANDLERS = [show_medium]
