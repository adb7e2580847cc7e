"""Callers that are customers themselves: what a start without a key may say, and in whose name a link's answers count."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TypeVar

import msgspec

from guiado.app import commands
from guiado.app.access import customer_links
from guiado.app.access.permissions import START
from guiado.app.access.signed_customer import admitted_customer, with_signed_customer
from guiado.app.context import Scope
from guiado.app.models import Model
from guiado.errors import FieldProblem, InvalidInput, Message
from guiado.http.request import Http, base_of, runtime_of, scope_of

C = TypeVar("C", commands.AnswerStep, commands.Escalate, commands.Resolve)


class StartLinkOut(Model):
    """The customer link to a session that was started without a key; it is shown once."""

    url: str
    token: str
    expires_at: datetime

    def __repr__(self) -> str:
        """Leave the token out: the text may end in a log."""
        return "StartLinkOut()"


def is_public(scope: Scope) -> bool:
    """Whether a session is started without a key, by a page of an allowed origin."""
    return START in scope.scopes


def admitted(request: Http, command: commands.Start, channel: str) -> tuple[commands.Start, Scope]:
    """The start with its customer's signed data, and the scope in which it runs.

    Raises:
        InvalidInput: the signed data are needed and missing, or can not be used.
    """
    scope, secrets = replace(scope_of(request), channel=channel), runtime_of(request).settings.customer_secrets
    if is_public(scope):
        return admitted_customer(command, scope, secrets, must_sign=bool(secrets))
    return command if command.customer_token is None else with_signed_customer(command, secrets), scope


async def link_to(request: Http, scope: Scope, session_id: str) -> StartLinkOut:
    """Make the customer link to a session that was just started."""
    runtime = runtime_of(request)
    days = runtime.settings.link_days
    made = await runtime.parts.run_read(scope, customer_links.create, session_id, base_of(request).url, days)
    return StartLinkOut(url=made.url or "", token=made.token or "", expires_at=made.expires_at)


def said_by(request: Http, command: C) -> C:
    """The command as its caller may give it: whoever comes with a customer link speaks as the customer.

    Raises:
        InvalidInput: it names another author.
    """
    if scope_of(request).session_id is None:
        return command
    if command.source not in {None, "customer"}:
        why = Message("Con el enlace de un cliente solo puede ser customer. Corrígelo o quita el campo.")
        raise InvalidInput([FieldProblem("source", why, "not_an_option")])
    return msgspec.structs.replace(command, source="customer")
