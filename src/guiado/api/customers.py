"""Data of one customer: export and erasure.

The address comes in the body: what is in a path or a query ends up in logs.
"""

from __future__ import annotations

import msgspec
from litestar import post
from litestar.openapi import ResponseSpec
from litestar.params import JSONBody
from litestar.response import Stream

from guiado.api.troubles import TROUBLES
from guiado.app import commands
from guiado.app.access import customers
from guiado.app.access.customers import CustomerExport, ErasedCustomer
from guiado.app.models import Model
from guiado.http.request import Checked, Http, Write, run_read, runtime_of, scope_of


class ErasedOut(Model):
    """Result of an erasure: number of deleted rows, and of others' rows in which the address was hidden, by table."""

    success: bool
    customer_id: str
    deleted: dict[str, int]
    hidden: dict[str, int]


@post(
    "/customers/export",
    dto=Checked[commands.Customer],
    return_dto=None,
    status_code=200,
    operation_id="export_customer",
    responses={
        **TROUBLES,
        200: ResponseSpec(CustomerExport, description="Todo lo que se guarda del cliente.", generate_examples=False),
    },
)
async def export_customer(request: Http, data: JSONBody[commands.Customer]) -> Stream:
    """Todo lo que se guarda de un cliente, en un documento JSON: sus sesiones, tickets, avisos, eventos y valoraciones."""
    await run_read(request, customers.note_export, data.customer_email)
    pieces = customers.export(runtime_of(request).parts, scope_of(request), data.customer_email)
    return Stream(pieces, media_type="application/json")


@post(
    "/customers/erase",
    dto=Checked[commands.Customer],
    return_dto=None,
    status_code=200,
    operation_id="erase_customer",
    responses=TROUBLES,
)
async def erase_customer(request: Http, data: JSONBody[commands.Customer]) -> ErasedOut:
    """Borra para siempre todo lo que se guarda de un cliente. Repetirlo es inocuo; las cifras por día no cambian."""
    return await Write(request, _told).run(customers.erase, data.customer_email)


def _told(erased: ErasedCustomer) -> ErasedOut:
    return msgspec.convert({**msgspec.to_builtins(erased), "success": True}, ErasedOut)


HANDLERS = [export_customer, erase_customer]
