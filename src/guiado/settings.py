"""The settings of an operator, read once from the environment and `.env` of the working folder.

Source: guide.md, step 3 (the guide's own names); `.env.example` lists all of them.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from dotenv.parser import parse_stream
from pydantic import AfterValidator, BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from guiado import setting_values
from guiado.errors import Message, SettingsInvalid, os_reason

ENV_FILE = Path(".env")
SECRETS = Path("/run/secrets")

_PLACEHOLDERS = ("user:pass@host:", "user:pass@host/", "sk-...", "kestra.example.com/...", "hooks.slack.com/...")
"""Placeholders of the guide's example, which mark a setting as not filled in yet."""


_COMPLAINTS = {
    "int_": Message("debe ser un número entero"),
    "float_": Message("debe ser un número"),
    "bool_": Message("debe ser true o false"),
    "greater_than_equal": Message("debe ser {limit} como mínimo"),
    "less_than_equal": Message("debe ser {limit} como máximo"),
    "string_too_long": Message("debe tener {limit} caracteres como máximo"),
    "literal_error": Message("elige uno de estos: {choices}"),
    "root_path": Message("escribe una ruta como /soporte"),
    "public_url": Message("escribe una dirección como https://soporte.example.com"),
    "color": Message("escribe un color como #1a5fb4"),
    "hours": Message("escribe un horario como lun-vie 9:00-18:00, sáb 9:00-13:00"),
    "time_zone": Message("escribe una zona horaria como America/Bogota"),
}
"""Prefix of pydantic's name for an error -> message."""


DEFAULT_BRAND = "guiado"
"""Name of the support team where it gave none."""


class Settings(BaseSettings):
    """The settings of one process, frozen.

    An empty value means that the setting is not given.
    """

    model_config = SettingsConfigDict(
        env_file=ENV_FILE, env_file_encoding="utf-8-sig", extra="ignore", frozen=True, env_ignore_empty=True
    )

    database_url: Annotated[str | None, Field(validation_alias="DATABASE_URL", repr=False)] = None
    """PostgreSQL to use; without it the embedded one runs."""
    openai_api_key: Annotated[str | None, Field(validation_alias="OPENAI_API_KEY", repr=False)] = None
    openai_base_url: Annotated[str | None, Field(validation_alias="OPENAI_BASE_URL", repr=False)] = None
    """Address of a server with OpenAI's interface, up to its "/v1"; OpenAI's own by default."""
    kestra_webhook_url: Annotated[str | None, Field(validation_alias="KESTRA_WEBHOOK_URL", repr=False)] = None
    slack_webhook_url: Annotated[str | None, Field(validation_alias="SLACK_WEBHOOK_URL", repr=False)] = None

    home: Annotated[Path | None, Field(validation_alias="GUIADO_HOME")] = None
    """Folder of the embedded database; the platform's data folder by default."""
    pg_bin: Annotated[Path | None, Field(validation_alias="PG_BIN")] = None
    """Folder with PostgreSQL's programs, for the embedded database."""
    host: Annotated[str, Field(validation_alias="GUIADO_HOST")] = "127.0.0.1"
    port: Annotated[int, Field(validation_alias="PORT", ge=1, le=65535)] = 3000
    kb_path: Annotated[Path | None, Field(validation_alias="GUIADO_KB_PATH")] = None
    """Knowledge base; the one of the checkout or wheel by default."""
    detection_threshold: Annotated[float | None, Field(validation_alias="GUIADO_DETECTION_THRESHOLD", ge=0, le=1)] = None
    """Least confidence, 0..1, of a detected problem; below it the verdict is none of the known problems."""
    accept_threshold: Annotated[float | None, Field(validation_alias="GUIADO_ACCEPT_THRESHOLD", ge=0, le=1)] = None
    """Least confidence, 0..1, with which a problem is taken without asking, where asking is possible."""
    encoder: Annotated[
        Literal["use", "e5", "openai", "fastembed", "lexical"],
        BeforeValidator(lambda value: str(value).lower()),
        Field(validation_alias="GUIADO_ENCODER"),
    ] = "use"
    """Encoder of texts into vectors; "lexical" is none: the words alone decide."""
    encoder_model: Annotated[str | None, Field(validation_alias="GUIADO_ENCODER_MODEL")] = None
    """Name of the model, for "openai" and "fastembed"."""
    none_share: Annotated[float, Field(validation_alias="GUIADO_NONE_SHARE", ge=0.01, le=0.99)] = 0.2
    """Share of the descriptions, 0..1, that are about none of the known problems, as far as the operator knows."""
    use_llm: Annotated[bool, Field(validation_alias="GUIADO_USE_LLM")] = False
    """Whether the service lets a language model help; it needs a key, or `OPENAI_BASE_URL`."""
    llm_model: Annotated[str, Field(validation_alias="GUIADO_LLM_MODEL", min_length=1, max_length=200)] = "gpt-4.1-mini"
    """Name of the language model."""
    llm_calls_per_minute: Annotated[int, Field(validation_alias="GUIADO_LLM_CALLS_PER_MINUTE", ge=1, le=10_000)] = 60
    """How many calls to the language model one process begins within a minute."""
    private_targets: Annotated[str, Field(validation_alias="GUIADO_PRIVATE_TARGETS")] = ""
    """Private networks (CIDR, by commas) that webhooks may call."""
    notifications: Annotated[
        Literal["send", "console"],
        BeforeValidator(lambda value: str(value).lower()),
        Field(validation_alias="GUIADO_NOTIFICATIONS"),
    ] = "send"
    """Whether messages to people are sent, or only shown on standard error."""
    slack_bot_token: Annotated[str | None, Field(validation_alias="SLACK_BOT_TOKEN", repr=False)] = None
    smtp_host: Annotated[str | None, Field(validation_alias="SMTP_HOST")] = None
    smtp_port: Annotated[int | None, Field(validation_alias="SMTP_PORT", ge=1, le=65535)] = None
    """Port of the SMTP server; 587, 465 or 25 by default, as `SMTP_TLS` says."""
    smtp_user: Annotated[str | None, Field(validation_alias="SMTP_USER")] = None
    smtp_password: Annotated[str | None, Field(validation_alias="SMTP_PASSWORD", repr=False)] = None
    smtp_from: Annotated[str | None, Field(validation_alias="SMTP_FROM")] = None
    """Sender, with or without a name: "Soporte <soporte@example.com>"."""
    smtp_tls: Annotated[
        Literal["starttls", "tls", "none"],
        BeforeValidator(lambda value: str(value).lower()),
        Field(validation_alias="SMTP_TLS"),
    ] = "starttls"
    twilio_account_sid: Annotated[str | None, Field(validation_alias="TWILIO_ACCOUNT_SID", repr=False)] = None
    twilio_auth_token: Annotated[str | None, Field(validation_alias="TWILIO_AUTH_TOKEN", repr=False)] = None
    twilio_from: Annotated[str | None, Field(validation_alias="TWILIO_FROM")] = None
    """Number that SMS come from, or a messaging service ("MG…")."""
    sms_url: Annotated[str | None, Field(validation_alias="SMS_URL", repr=False)] = None
    """SMS gateway that takes {"to", "text"} as JSON; goes before Twilio."""
    ntfy_url: Annotated[str | None, Field(validation_alias="NTFY_URL", repr=False)] = None
    """ntfy server for push messages."""
    apprise_urls: Annotated[str, Field(validation_alias="APPRISE_URLS", repr=False)] = ""
    """Targets of Apprise, by commas or blanks; its package is an extra."""
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR"],
        BeforeValidator(lambda value: str(value).upper()),
        Field(validation_alias="GUIADO_LOG_LEVEL"),
    ] = "INFO"
    pool_size: Annotated[int, Field(validation_alias="GUIADO_POOL_SIZE", ge=1, le=200)] = 16
    """Connections to PostgreSQL that one server process keeps at most."""
    pooler: Annotated[
        Literal["auto", "on", "off"],
        BeforeValidator(lambda value: str(value).lower()),
        Field(validation_alias="GUIADO_POOLER"),
    ] = "auto"
    """Whether there is a pooler, as PgBouncer, before PostgreSQL; "auto" looks."""
    tenant: Annotated[str, Field(validation_alias="GUIADO_TENANT", min_length=1, max_length=64)] = "default"
    root_path: Annotated[str, AfterValidator(setting_values.root_path), Field(validation_alias="GUIADO_ROOT_PATH")] = ""
    """Path prefix under which a proxy offers the service, as "/soporte"; that of `GUIADO_PUBLIC_URL` by default."""
    public_url: Annotated[str, AfterValidator(setting_values.public_url), Field(validation_alias="GUIADO_PUBLIC_URL")] = ""
    """Address under which customers and programs reach the service: the base of all links."""

    trusted_proxies: Annotated[str, Field(validation_alias="GUIADO_TRUSTED_PROXIES")] = ""
    """Addresses and networks (CIDR), by commas, of the proxies whose X-Forwarded-… headers are believed."""
    rate_per_ip_minute: Annotated[int, Field(validation_alias="GUIADO_RATE_PER_IP_MINUTE", ge=0, le=1_000_000)] = 100
    """Requests a minute from one address, without an API key, at most; 0 for any number."""
    rate_per_key_hour: Annotated[int, Field(validation_alias="GUIADO_RATE_PER_KEY_HOUR", ge=0, le=100_000_000)] = 1_000
    """Requests an hour with one API key at most; 0 for any number."""

    @cached_property
    def base_url(self) -> str:
        """Base of links outside of any request, as in messages, without a slash at the end; empty where it is not known."""
        has_path = urlsplit(self.public_url).path != ""
        return self.public_url if has_path or not self.public_url else self.public_url + self.root_path

    @cached_property
    def own_url(self) -> str:
        """Address under which this machine reaches the service, without a slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{'localhost' if is_wildcard(self.host) else host}:{self.port}"

    secret_key: Annotated[str | None, Field(validation_alias="GUIADO_SECRET_KEY", repr=False)] = None
    """Keys that encrypt the credentials in the database, by commas, the first one encrypts; without it a file in `home`."""
    link_days: Annotated[int, Field(validation_alias="GUIADO_LINK_DAYS", ge=1, le=3_650)] = 30
    """Days for which a customer link is good."""
    public_start: Annotated[bool, Field(validation_alias="GUIADO_PUBLIC_START")] = False
    """Whether pages of the allowed origins may start sessions without a key."""
    allowed_origins: Annotated[str, Field(validation_alias="GUIADO_ALLOWED_ORIGINS")] = ""
    """Origins (by commas) whose pages may start sessions and show the customer's pages in a frame."""
    wizard: Annotated[
        Literal["on", "off"],
        BeforeValidator(lambda value: str(value).lower()),
        Field(validation_alias="GUIADO_WIZARD"),
    ] = "on"
    """Whether customers may start a session at `/ayuda` on the service's own origin."""
    customer_secret: Annotated[str, Field(validation_alias="GUIADO_CUSTOMER_SECRET", repr=False)] = ""
    """Secrets (by commas) with which sites sign their customers' data; with one, a public start needs signed data."""
    spanish: Annotated[Literal["es", "es-AR", "es-ES"], Field(validation_alias="GUIADO_SPANISH")] = "es"
    """Variety of Spanish of pages and messages: "es" (tú, for everybody), "es-AR" (voseo) or "es-ES"."""
    brand_name: Annotated[str, Field(validation_alias="GUIADO_BRAND_NAME", min_length=1, max_length=60)] = DEFAULT_BRAND
    """Name of the support team or company, on pages and in messages."""
    brand_color: Annotated[str, AfterValidator(setting_values.color), Field(validation_alias="GUIADO_BRAND_COLOR")] = ""
    """Accent colour of the pages, as "#1a5fb4"; guiado's green by default."""
    brand_logo: Annotated[Path | None, Field(validation_alias="GUIADO_BRAND_LOGO")] = None
    """File of the logo (SVG, PNG or WebP, at most 200 KB); guiado's mark by default."""
    support_email: Annotated[str, Field(validation_alias="GUIADO_SUPPORT_EMAIL", max_length=254)] = ""
    """Address that customers may write to, shown on every page."""
    support_phone: Annotated[str, Field(validation_alias="GUIADO_SUPPORT_PHONE", max_length=40)] = ""
    """Number that customers may call, shown on every page."""
    support_hours: Annotated[
        str, AfterValidator(setting_values.office_hours), Field(validation_alias="GUIADO_SUPPORT_HOURS", max_length=200)
    ] = ""
    """Office hours of the team, as "lun-vie 9:00-18:00, sáb 9:00-13:00"."""
    time_zone: Annotated[str, AfterValidator(setting_values.time_zone), Field(validation_alias="GUIADO_TIME_ZONE")] = "UTC"
    """Time zone of the office hours and of the dates on pages, as "America/Bogota"."""
    attachments_mb: Annotated[int, Field(validation_alias="GUIADO_ATTACHMENTS_MB", ge=0, le=1_000_000)] = 500
    """Megabytes that the pictures of a tenant's sessions take at most; 0 for no pictures."""
    kb_pages: Annotated[
        Literal["on", "off"],
        BeforeValidator(lambda value: str(value).lower()),
        Field(validation_alias="GUIADO_KB_PAGES"),
    ] = "off"
    """Whether every problem of the knowledge base is a public page at `/problemas`, for search engines too."""
    guidance_order: Annotated[
        Literal["auto", "author", "learned", "shadow"],
        BeforeValidator(lambda value: str(value).lower()),
        Field(validation_alias="GUIADO_GUIDANCE_ORDER"),
    ] = "auto"
    """Order of the steps of guides: the author's, learned, in the shadow of the author's, or "auto": learned once that is known
    to be no worse."""
    cost_person_minutes: Annotated[float, Field(validation_alias="GUIADO_COST_PERSON_MINUTES", ge=0, le=100_000)] = 45.0
    """Cost of a hand-over to a person, in minutes."""
    cost_leaving_minutes: Annotated[float, Field(validation_alias="GUIADO_COST_LEAVING_MINUTES", ge=0, le=100_000)] = 45.0
    """Cost of a customer who leaves unhelped, in minutes."""
    cost_recontact_minutes: Annotated[float, Field(validation_alias="GUIADO_COST_RECONTACT_MINUTES", ge=0, le=100_000)] = 15.0
    """Cost of a false "solved" beside the person that it needs after all, in minutes."""

    @cached_property
    def origins(self) -> tuple[str, ...]:
        """The allowed origins."""
        return _parts(self.allowed_origins)

    @cached_property
    def customer_secrets(self) -> tuple[bytes, ...]:
        """The secrets that customers' data may be signed with."""
        return tuple(secret.encode() for secret in _parts(self.customer_secret))

    @cached_property
    def is_loopback(self) -> bool:
        """Whether the bind address reaches this machine only."""
        return is_loopback(self.host)


KNOWN_NAMES: frozenset[str] = frozenset(
    {str(field.validation_alias) for field in Settings.model_fields.values()} | {"GUIADO_LANG"}
)
"""Every variable that guiado reads."""


_ORIGIN = re.compile(r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?")
"""An origin as browsers send it: scheme, host in lower case, and the port where it is not the usual one."""
_SHORTEST_SECRET_BYTES = 32


def _parts(listed: str) -> tuple[str, ...]:
    return tuple(part for each in listed.split(",") if (part := each.strip()))


def is_wildcard(host: str) -> bool:
    """Whether an address means every address of this machine, as 0.0.0.0 does."""
    try:
        return ip_address(host).is_unspecified
    except ValueError:
        return False


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine and no other."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def read_settings(**overrides: object) -> Settings:
    """The settings of this process.

    Args:
        overrides: values that go before the environment, by the environment's names.

    Raises:
        SettingsInvalid: a value cannot be used; the message names the variable and the remedy.
    """
    read_env_file()
    try:
        settings = Settings(_secrets_dir=_secret_folders(), **overrides)  # pyright: ignore[reportArgumentType, reportCallIssue]
    except (OSError, SettingsError):
        raise SettingsInvalid(
            "No se puede leer un secreto de {folders}.\nCada archivo debe ser texto que pueda leer el usuario del servicio.",
            folders=", ".join(map(str, _secret_folders())),
        ) from None
    except ValidationError as error:
        first = error.errors()[0]
        raise SettingsInvalid(
            "{name} tiene un valor no válido: {problem}.\nCorrígelo en el entorno o en el archivo .env.",
            name=".".join(str(part) for part in first["loc"]),
            problem=_reason(first["type"], first.get("ctx", {})),
        ) from None
    _refuse_placeholders(settings)
    _check_public_start(settings)
    return settings


def _secret_folders() -> list[Path]:
    """Folders with one file for each secret setting, as containers and systemd (`LoadCredential=`) bring them."""
    given = [str(SECRETS), os.environ.get("CREDENTIALS_DIRECTORY", "")]
    return [Path(folder) for folder in given if folder and Path(folder).is_dir()]


def _check_public_start(settings: Settings) -> None:
    for origin in settings.origins:
        if not _ORIGIN.fullmatch(origin) or origin.endswith((":80", ":443")):
            raise SettingsInvalid(
                "GUIADO_ALLOWED_ORIGINS tiene un origen no válido: {origin}.\n"
                "Escribe cada uno entero y en minúsculas, sin ruta ni *: https://tienda.example.com",
                origin=origin[:200],
            )
    if settings.public_start and not settings.origins:
        raise SettingsInvalid(
            "GUIADO_PUBLIC_START necesita saber qué páginas pueden empezar una sesión.\n"
            "Escribe sus orígenes en GUIADO_ALLOWED_ORIGINS, por ejemplo https://tienda.example.com."
        )
    if any(len(secret) < _SHORTEST_SECRET_BYTES for secret in settings.customer_secrets):
        raise SettingsInvalid(
            "GUIADO_CUSTOMER_SECRET es demasiado corto: hacen falta 32 caracteres como mínimo.\n"
            "Crea uno con: openssl rand -hex 32"
        )


def read_env_file() -> dict[str, str]:
    """The variables in the `.env` of the working folder, by name; empty where there is none.

    Raises:
        SettingsInvalid: it cannot be read, is no text, or a line of it is no setting; the message names the line.
    """
    try:
        text = ENV_FILE.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise _unreadable(os_reason(error)) from None
    except UnicodeDecodeError:
        raise _unreadable(Message("no es texto UTF-8")) from None
    if "\0" in text:
        raise _unreadable(Message("no es texto UTF-8"))
    return _settings_in(text)


def _settings_in(text: str) -> dict[str, str]:
    given: dict[str, str] = {}
    for line in parse_stream(io.StringIO(text)):
        if line.error:
            raise SettingsInvalid(
                "La línea {number} de .env no se entiende.\nEscribe NOMBRE=valor, o pon # delante si es un comentario.",
                number=line.original.line,
            )
        if line.key is not None:
            given[line.key] = line.value or ""
    return given


def _unreadable(problem: Message) -> SettingsInvalid:
    return SettingsInvalid(
        "No se puede leer el archivo .env de esta carpeta: {problem}.\n"
        "Guárdalo como texto UTF-8, que tu usuario pueda leer, o bórralo.",
        problem=problem,
    )


def _reason(kind: str, facts: Mapping[str, object]) -> Message:
    """The message for an error of pydantic's validation.

    Args:
        kind: pydantic's name for the error.
        facts: what pydantic knows about it.
    """
    known = next((said for sign, said in _COMPLAINTS.items() if kind.startswith(sign)), Message("no se entiende"))
    limit = next((facts[name] for name in ("ge", "le", "max_length") if name in facts), "")
    choices = ", ".join(re.findall(r"'([^']*)'", str(facts.get("expected"))))
    return replace(known, params={"limit": limit, "choices": choices})


def _refuse_placeholders(settings: Settings) -> None:
    given = {
        "DATABASE_URL": settings.database_url,
        "OPENAI_API_KEY": settings.openai_api_key,
        "KESTRA_WEBHOOK_URL": settings.kestra_webhook_url,
        "SLACK_WEBHOOK_URL": settings.slack_webhook_url,
    }
    for name, value in given.items():
        if value and any(example in value for example in _PLACEHOLDERS):
            raise SettingsInvalid(
                "{name} todavía tiene el valor de ejemplo.\nEscribe el valor real o borra la línea.",
                name=name,
            )
