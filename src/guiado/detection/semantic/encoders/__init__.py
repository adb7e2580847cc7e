"""The encoders that can be chosen: one file each. Copy `fastembed.py` to add another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from guiado.detection.semantic.encoder import Encoder
from guiado.errors import SettingsInvalid

if TYPE_CHECKING:
    from guiado.detection.semantic.encoders.openai_api import Post

EncoderKind = Literal["use", "e5", "openai", "fastembed", "lexical"]


def make_encoder(
    kind: EncoderKind = "use",
    *,
    model: str | None = None,
    base_url: str | None = None,
    api_key: str | None = None,
    post: Post | None = None,
    folder: Path | None = None,
) -> Encoder | None:
    """The encoder that an operator chose. Nothing is loaded before its first text, but "e5" finds out first if it can run.

    Args:
        kind: "use" ships with guiado; "e5" is a second one beside it, from the packages of the extra `e5`; "openai" asks an
            endpoint of that form; "fastembed" needs the package of that name.
        model: its name, where there is a choice.
        base_url: of the endpoint, with its version; OpenAI's own by default.
        api_key: for the endpoint; one in the own network may need none.
        post: sends the requests to the endpoint, in the form of `delivery.blocking.BlockingPoster`.
        folder: of this user, for what "use" and "e5" share between processes.

    Returns:
        None for "lexical": the words alone decide.

    Raises:
        SettingsInvalid: what this encoder needs is missing; the message says what to do.
    """
    match kind:
        case "use":
            from guiado.detection.semantic.encoders.use import UseEncoder

            return UseEncoder(folder)
        case "e5":
            from guiado.detection.semantic.encoders.e5.encoder import make_e5

            return make_e5(folder)
        case "openai":
            return _endpoint(_needed(model, kind), post, base_url, api_key)
        case "fastembed":
            from guiado.detection.semantic.encoders.fastembed import FastembedEncoder

            return FastembedEncoder(_needed(model, kind))
        case "lexical":
            return None


def _endpoint(model: str, post: Post | None, base_url: str | None, api_key: str | None) -> Encoder:
    from guiado.detection.semantic.encoders.openai_api import EndpointEncoder

    if post is None:
        raise ValueError("an endpoint needs something that sends its requests")
    return EndpointEncoder(model, post, base_url=base_url, api_key=api_key)


def _needed(model: str | None, kind: str) -> str:
    if not model:
        raise SettingsInvalid(
            "Con GUIADO_ENCODER={kind} falta el nombre del modelo.\nEscríbelo en GUIADO_ENCODER_MODEL.", kind=kind
        )
    return model
