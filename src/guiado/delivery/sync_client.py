"""The guarded client for code in threads: its calls block."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping

from guiado.delivery.guarded_client import GuardedClient
from guiado.delivery.ip_policy import TargetPolicy


class BlockingPoster:
    """Blocking client for addresses that the operator set. Any number of threads may use one; never call it in an event loop.

    Its own event loop runs in a thread of this process, from the first request on.

    Args:
        policy: which addresses may be called.
        max_answer_bytes: how much of an answer's body is read.
    """

    def __init__(self, policy: TargetPolicy, *, max_answer_bytes: int) -> None:
        self._policy, self._max_answer_bytes = policy, max_answer_bytes
        self._starting = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._client: GuardedClient | None = None

    def __call__(self, url: str, body: bytes, headers: Mapping[str, str], timeout_s: float) -> tuple[int, bytes]:
        """Send one POST request, and wait for the answer.

        Args:
            url: the target.
            body: the bytes to send.
            headers: added to the client's own.
            timeout_s: deadline for everything together, in seconds.

        Returns:
            HTTP status, and the first bytes of the answer.

        Raises:
            TargetRefused: the URL or an address behind it must not be called.
            DeliveryFailed: no complete answer.
            InvalidInput: the URL is invalid.
        """
        sent = asyncio.run_coroutine_threadsafe(self._post(url, body, headers, timeout_s), self._running_loop())
        return sent.result()

    async def _post(self, url: str, body: bytes, headers: Mapping[str, str], timeout_s: float) -> tuple[int, bytes]:
        self._client = self._client or GuardedClient(self._policy, max_answer_bytes=self._max_answer_bytes)
        answer = await self._client.post(url, body, headers, timeout_s=timeout_s, operator=True, body_s=None)
        return answer.status, answer.body

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self._starting:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, name="guiado-poster", daemon=True)
                self._thread.start()
            return self._loop

    def close(self) -> None:
        """Close every connection and end the thread. A later request starts anew."""
        with self._starting:
            loop, thread, client, self._loop, self._client = self._loop, self._thread, self._client, None, None
        if loop is None or thread is None:
            return
        if client is not None:
            asyncio.run_coroutine_threadsafe(client.aclose(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
