"""The client of the language model: one prompt, and its answer as a validated value or None."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from http import HTTPStatus
from typing import TypeVar

import msgspec

from guiado import clock
from guiado.language_model.circuit_breaker import Limits
from guiado.language_model.http_port import MAX_ANSWER_BYTES, Post, PostResponse
from guiado.logs import get_logger

__all__ = ["DEADLINE_S", "LanguageModel", "Prompt"]

DEADLINE_S = 5.0
"""Deadline of one prompt in all: name lookup, connection, answer and a second try."""

_UNSUPPORTED = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY)
_ACCOUNT = {"openai-organization": "OPENAI_ORG_ID", "openai-project": "OPENAI_PROJECT_ID"}
"""Headers of the account to be billed, and the environment variables in which OpenAI's own programs keep them."""
T = TypeVar("T")
log = get_logger()


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt: instructions, data and the form of the answer.

    Args:
        task: its name in the log.
        system: instructions, always the same text for a task: nothing that a customer wrote.
        data: input of the task, sent as JSON in the user's message.
        schema: JSON Schema of the answer, for servers that can enforce it.
        max_tokens: length of the longest answer.
    """

    task: str
    system: str
    data: dict[str, object]
    schema: dict[str, object]
    max_tokens: int


class _Message(msgspec.Struct):
    content: str | None = None
    refusal: str | None = None
    tool_calls: list[msgspec.Raw] | None = None


class _Choice(msgspec.Struct):
    message: _Message
    finish_reason: str | None = None


class _Completion(msgspec.Struct):
    choices: list[_Choice]


class AnswerRefused(Exception):
    """The server's response has an error status, is too long, or is no JSON."""


class LanguageModel:
    """A model behind an OpenAI-compatible address. One object serves one event loop.

    Args:
        post: sends requests to addresses that the operator chose.
        key: sent as bearer token.
        base_url: of the API, with its version: `https://host/v1`.
        name: of the model.
        calls_per_minute: how many calls may begin within any 60 seconds.
        deadline_s: for one prompt, in seconds.
    """

    def __init__(
        self, post: Post, *, key: str, base_url: str, name: str, calls_per_minute: int = 60, deadline_s: float = DEADLINE_S
    ) -> None:
        self.name = name
        self._post, self._key, self._deadline_s = post, key, deadline_s
        self._url = f"{base_url.rstrip('/')}/chat/completions"
        self._limits = Limits(calls_per_minute)
        self._way = 0

    async def ask(self, question: Prompt, kind: type[T]) -> T | None:
        """Send a prompt and return its answer; None when it is late or invalid, or while the model is paused.

        Args:
            kind: type of the answer; a `msgspec.Struct` that forbids unknown fields.
        """
        refusal = self._limits.refusal()
        if refusal:
            log.info("language_model", task=question.task, outcome=refusal)
            return None
        started_s = clock.monotonic_s()
        with self._limits.call():
            outcome, answer = await self._outcome(question, kind)
        # Neither the prompt nor the answer is logged: both may hold personal data.
        took_ms = round(1000 * (clock.monotonic_s() - started_s))
        log.info("language_model", task=question.task, outcome=outcome, took_ms=took_ms)
        return answer

    async def _outcome(self, question: Prompt, kind: type[T]) -> tuple[str, T | None]:
        try:
            async with asyncio.timeout(self._deadline_s):
                content = _content(await self._complete(question))
        except Exception as error:  # noqa: BLE001 a broken model changes nothing
            self._limits.note_failure()
            return _name(error), None
        # An invalid answer does not count as a failure of the server: a customer's text could provoke it.
        self._limits.note_success()
        try:
            return "answered", None if content is None else msgspec.json.decode(content, type=kind)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return "malformed", None

    async def _complete(self, question: Prompt) -> bytes:
        answer = await self._send(question, _WAYS[self._way](question))
        if answer.status in _UNSUPPORTED:
            # A prompt is sent twice at most; the next one begins with the form that was not tried yet.
            self._way = (self._way + 1) % len(_WAYS)
            if self._way:
                answer = await self._send(question, _WAYS[self._way](question))
                if answer.status in _UNSUPPORTED:
                    self._way = (self._way + 1) % len(_WAYS)
        return _body(answer)

    async def _send(self, question: Prompt, limits: dict[str, object]) -> PostResponse:
        asked = {
            "model": self.name,
            "messages": [{"role": "system", "content": question.system}, {"role": "user", "content": _as_data(question)}],
            "n": 1,
            **limits,
        }
        headers = {"authorization": f"Bearer {self._key}", "content-type": "application/json", "accept": "application/json"}
        headers |= {header: value for header, name in _ACCOUNT.items() if (value := os.environ.get(name))}
        return await self._post(self._url, msgspec.json.encode(asked), headers, timeout_s=self._deadline_s)


def _body(answer: PostResponse) -> bytes:
    """The body of a response.

    Raises:
        AnswerRefused: it is not plain JSON of bounded size.
    """
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if answer.status != HTTPStatus.OK:
        raise AnswerRefused(f"status {answer.status}")
    if len(answer.body) > MAX_ANSWER_BYTES or kind != "application/json":
        raise AnswerRefused("too long, or no JSON")
    return answer.body


def _as_data(question: Prompt) -> str:
    return msgspec.json.encode(question.data).decode()


def _strict(question: Prompt) -> dict[str, object]:
    schema = {"name": question.task, "strict": True, "schema": question.schema}
    return {
        "response_format": {"type": "json_schema", "json_schema": schema},
        "max_completion_tokens": question.max_tokens,
        "temperature": 0,
    }


def _limited(question: Prompt) -> dict[str, object]:
    return {"max_tokens": question.max_tokens, "temperature": 0}


def _bounded(question: Prompt) -> dict[str, object]:
    return {"max_completion_tokens": question.max_tokens}


_WAYS = (_strict, _limited, _bounded)
"""Forms of the request: with a JSON schema; without one; and without a temperature, for models that take none. The first that
the server accepts is used from then on; each limits the length of the answer."""


def _content(answer: bytes) -> str | None:
    """The content of a completion; None when the model refused, was cut short or called a tool.

    Raises:
        ValueError: this is no completion.
    """
    (choice,) = msgspec.json.decode(answer, type=_Completion).choices
    whole = choice.finish_reason in {None, "stop"} and not choice.message.refusal and not choice.message.tool_calls
    return choice.message.content if whole else None


def _name(error: BaseException) -> str:
    """The type of a failure, without its message, which a server could fill with anything."""
    cause = error.__cause__
    return f"{type(error).__name__}/{type(cause).__name__}" if cause is not None else type(error).__name__
