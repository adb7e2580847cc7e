"""What carries a request of the `openai` package: the process's own guarded way out, not a client of its own.

So the rules of outgoing requests hold here too: addresses are vetted when they are dialled, no redirect is followed, no proxy
of the environment is used, nothing compressed is asked for, and reading stops at a limit.
"""

from __future__ import annotations

import httpx2

from guiado.language_model.way_out import MAX_ANSWER_BYTES, Answer, Post

_OK = 200
_PASSED_ON = frozenset({"authorization", "content-type", "accept", "openai-organization", "openai-project"})
"""Headers that go out. What the package says of this machine stays here."""


class GuardedTransport(httpx2.AsyncBaseTransport):
    """Hands requests to `post` and takes only a plain JSON answer of bounded size.

    Args:
        post: the way out.
        timeout_s: deadline for everything together, in seconds.
    """

    def __init__(self, post: Post, timeout_s: float) -> None:
        self._post, self._timeout_s = post, timeout_s

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request."""
        headers = {name: value for name, value in request.headers.items() if name.lower() in _PASSED_ON}
        answer = await self._post(str(request.url), await request.aread(), headers, timeout_s=self._timeout_s)
        fault = _fault(answer) if answer.status == _OK else None
        if fault:
            raise httpx2.RemoteProtocolError(fault, request=request)
        # Only the body of a good answer counts; of the headers, none: nothing is unpacked.
        return httpx2.Response(answer.status, content=answer.body if answer.status == _OK else b"", request=request)


def _fault(answer: Answer) -> str | None:
    if len(answer.body) > MAX_ANSWER_BYTES:
        return "too long"
    if answer.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return "not JSON"
    return None
