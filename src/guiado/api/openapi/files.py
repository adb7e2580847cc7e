"""Files in the OpenAPI document: the bodies and answers of operations that are not JSON.

Source: OpenAPI 3.1.0, "Considerations for File Uploads".
"""

from __future__ import annotations

from guiado.api.openapi.components import Schema, noted

_FORM: Schema = {
    "type": "object",
    "required": ["file"],
    "additionalProperties": False,
    "properties": {"file": {"type": "string", "format": "binary"}},
}
_RAW: Schema = {"type": "string", "format": "binary"}
_BODIES: dict[str, dict[str, Schema]] = {"attach": {"multipart/form-data": _FORM, "application/octet-stream": _RAW}}
"""Operation -> schema of its body by media type."""
_ANSWERS: dict[str, tuple[str, ...]] = {"read_attachment": ("image/png", "image/jpeg")}
"""Operation -> media types of the file that it answers with."""


def describe_files(operation: Schema) -> None:
    """Write the files that an operation takes and gives into its description."""
    name = operation["operationId"]
    if bodies := _BODIES.get(name):
        about, _ = noted(name, "file", "parameters")
        content = {kind: {"schema": schema} for kind, schema in bodies.items()}
        operation["requestBody"] = {"required": True, "description": about, "content": content}
    if answers := _ANSWERS.get(name):
        operation["responses"]["200"]["content"] = {kind: {"schema": _RAW} for kind in answers}
