"""Health checks: the process is alive (`/healthz`), the service is ready (`/readyz`)."""

from __future__ import annotations

from litestar import Response, get
from litestar.openapi import ResponseSpec

from guiado.api.troubles import TROUBLES
from guiado.app.models import Model
from guiado.errors import GuiadoError, PoolerUnfit
from guiado.http.request import Http, runtime_of
from guiado.store.pooler import LIMITS


class Health(Model):
    """Answer of a health check: the overall status, and each check."""

    status: str
    checks: dict[str, str] = {}  # noqa: RUF012 every instance has its own


_WRONG = {400: TROUBLES[400], 403: TROUBLES[403]}
_UNREADY = {503: ResponseSpec(Health, description="Todavía no puede trabajar", generate_examples=False)}


@get("/healthz", operation_id="healthz", responses=_WRONG)
async def healthz() -> Health:
    """El proceso vive."""
    return Health(status="ok")


@get("/readyz", operation_id="readyz", responses=_WRONG | _UNREADY)
async def readyz(request: Http) -> Response[Health]:
    """El servicio puede trabajar: base de datos y base de conocimiento."""
    runtime = runtime_of(request)
    checks = {"database": "ok", "knowledge_base": "ok"}
    try:
        await runtime.parts.db.prove()
    except PoolerUnfit as error:
        checks |= {"database": "unavailable", "pooler": str(error)}
    except GuiadoError:
        checks["database"] = "unavailable"
    else:
        if runtime.parts.db.is_pooled:
            checks["pooler"] = f"ok: {LIMITS}"
    if runtime.knowledge.problem is not None:
        # The last good version goes on serving: a fault to mend, but no reason to send customers away.
        checks["knowledge_base"] = f"invalid: {runtime.knowledge.problem}"[:500]
    elif refused := runtime.knowledge.watch.refused:
        # In use all the same: an edit counts at once.
        why = next(iter(refused.values())).refusals[0]
        checks["knowledge_base"] = f"doubtful: {', '.join(list(refused)[:5])}: {why.message}"[:500]
    ready = checks["database"] == "ok" and bool(runtime.knowledge.snapshot.guides)
    return Response(Health(status="ok" if ready else "unavailable", checks=checks), status_code=200 if ready else 503)


HANDLERS = [healthz, readyz]
