"""Database addresses: parsing for asyncpg and for libpq, and display without secrets.

Several programs read one address. libpq (psql, pg_dump) knows parameters that asyncpg hands to the server as if they were
settings, and hosts append parameters for drivers of other languages. So each program gets what it understands.

Source: PostgreSQL, libpq, "Parameter Key Words"; asyncpg, `connect`.
"""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlencode

from guiado.errors import Message, SettingsInvalid

_MASK = "***"
_FORM = re.compile(r"postgres(?:ql)?://", re.IGNORECASE)
_HOST = r"(?:\[[^\]@/?#]*\]|[^:,@/?#\[\]]*)(?::\d*)?"
_HOSTS = re.compile(rf"{_HOST}(?:,{_HOST})*")
_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
# What both asyncpg and libpq take as it is.
_BOTH = {
    *("dbname", "user", "password", "passfile", "service", "sslmode", "sslcert", "sslkey", "sslrootcert", "sslcrl"),
    *("sslpassword", "sslnegotiation", "ssl_min_protocol_version", "ssl_max_protocol_version", "krbsrvname", "gsslib"),
    *("application_name", "options"),
}
# What libpq alone knows: it concerns its own sockets and ways to log in, which asyncpg has no word for.
_LIBPQ = {
    *("connect_timeout", "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout"),
    *("channel_binding", "gssencmode", "gssdelegation", "require_auth", "requirepeer", "requiressl", "sslcompression", "sslsni"),
    *("sslcertmode", "sslcrldir", "sslkeylogfile", "client_encoding", "fallback_application_name", "hostaddr"),
    *("load_balance_hosts", "min_protocol_version", "max_protocol_version", "replication", "servicefile", "authtype", "tty"),
    *("scram_client_key", "scram_server_key", "oauth_issuer", "oauth_client_id", "oauth_client_secret", "oauth_scope"),
}
# What drivers and poolers of other languages read from the same address.
_FOREIGN = {
    *("pgbouncer", "connection_limit", "pool_timeout", "pool_size", "max_overflow", "socket_timeout", "sslaccept"),
    *("statement_cache_size", "prepared_statement_cache_size", "prepared_statement_name_func", "uselibpqcompat"),
    *("async_fallback", "serverversion", "charset", "prepared_statements", "preparethreshold", "binary_parameters"),
}
_PLACE = {"host", "port", "database", "target_session_attrs", "schema", "ssl"}
_SETTING = re.compile(r"[a-z_][a-z0-9_]*(?:\.[a-z_][a-z0-9_]*)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Host:
    """One server of an address.

    Args:
        name: its name, its number, or the folder of its socket.
        port: None for the usual one.
    """

    name: str
    port: int | None


@dataclass(frozen=True, slots=True)
class Address:
    """A parsed database address.

    Args:
        account: user and password as they stand before the `@`, still encoded.
        hosts: the servers in their order; none where the environment (`PGHOST`) or the usual socket decides.
        database: its name, decoded; empty where the address names none.
        options: parameters that asyncpg and libpq both know.
        settings: settings of the server, for the connection.
        only_libpq: parameters that only libpq knows.
        target: which kind of server is wanted, as `target_session_attrs`.
        connect_timeout_s: how long to wait for one server, None where the address does not say.
        is_for_libpq: whether libpq takes the address as it was written.
    """

    account: str
    hosts: tuple[Host, ...]
    database: str
    options: dict[str, str] = field(default_factory=dict[str, str])
    settings: dict[str, str] = field(default_factory=dict[str, str])
    only_libpq: dict[str, str] = field(default_factory=dict[str, str])
    target: str = "any"
    connect_timeout_s: float | None = None
    is_for_libpq: bool = True

    @property
    def for_driver(self) -> str:
        """The address for asyncpg, without servers: these are passed one at a time."""
        at = f"{self.account}@" if self.account else ""
        return f"postgresql://{at}/{quote(self.database, safe='')}{_query(_with_certificates(self.options))}"

    @property
    def for_libpq(self) -> str:
        """The complete address for libpq programs such as psql and pg_dump."""
        hosts = {"host": ",".join(host.name for host in self.hosts)} if self.hosts else {}
        ports = {"port": ",".join(str(host.port or "") for host in self.hosts)} if any(h.port for h in self.hosts) else {}
        target = {"target_session_attrs": self.target} if self.target != "any" else {}
        options = {**self.options, **self.only_libpq, **hosts, **ports, **target}
        if self.settings:
            told = " ".join(f"-c {name}={_escaped(value)}" for name, value in self.settings.items())
            options["options"] = f"{options.get('options', '')} {told}".strip()
        at = f"{self.account}@" if self.account else ""
        return f"postgresql://{at}/{quote(self.database, safe='')}{_query(options)}"


def mask(dsn: str) -> str:
    """Return an address without its passwords, also when it cannot be parsed."""
    try:
        read_address(dsn)
    except SettingsInvalid:
        return _mask_unreadable(dsn.strip())
    head, question, query = dsn.strip().partition("?")
    scheme, _, rest = head.partition("://")
    account, at, place = rest.rpartition("@")
    user, colon, _ = account.partition(":")
    shown = [_masked_parameter(piece) for piece in query.split("&")]
    return f"{scheme}://{user}{colon and f':{_MASK}'}{at}{place}{question}{'&'.join(shown)}"


def _masked_parameter(piece: str) -> str:
    name, equals, value = piece.partition("=")
    is_secret = re.search(r"password|secret|scram", unquote(name), re.IGNORECASE)
    return f"{name}{equals}{_MASK if is_secret and value else value}"


def _mask_unreadable(text: str) -> str:
    """Mask whatever might be a password in an address that cannot be parsed, even if that masks more."""
    scheme = found[0] if (found := re.match(r"[A-Za-z][\w+.-]*://", text)) else ""
    rest = text[len(scheme) :]
    if named := re.search(r"(?:password|secret)\s*=", rest, re.IGNORECASE):
        rest = f"{rest[: named.end()]}{_MASK}"
    if "@" in rest:
        account, _, place = rest.rpartition("@")
        rest = f"{account.partition(':')[0]}:{_MASK}@{place}" if ":" in account else rest
    elif scheme and not _HOSTS.fullmatch(re.split(r"[/?#]", rest, maxsplit=1)[0]):
        # The place was forgotten: what follows the user may be the password.
        rest = f"{rest.partition(':')[0]}:{_MASK}"
    return f"{scheme}{rest}"


def read_address(dsn: str) -> Address:
    """Parse a database address.

    Args:
        dsn: `postgresql://user:password@host:port/database?parameter=value`; several hosts by commas.

    Raises:
        SettingsInvalid: the address is malformed; the message shows no part of it.
    """
    text = dsn.strip()
    found = _FORM.match(text)
    if not found:
        raise _malformed()
    rest = text[found.end() :]
    authority, path, query = _split(rest)
    account, _, place = authority.rpartition("@")
    given = _parameters(query)
    database = unquote(path) or given.get("dbname", "") or given.get("database", "")
    given.pop("dbname", None)
    hosts = _hosts(place, given)
    address = _assorted(account, hosts, database, given)
    # libpq knows the scheme in small letters only, and takes blanks around it as part of a name.
    return replace(
        address, is_for_libpq=address.is_for_libpq and dsn.startswith(("postgresql://", "postgres://")) and text == dsn
    )


def _split(rest: str) -> tuple[str, str, str]:
    """Split an address into authority, path and query, without separators; refuse an ambiguous one."""
    head, _, query = rest.partition("?")
    authority, _, path = head.partition("/")
    account, at, place = authority.rpartition("@")
    is_odd = not _HOSTS.fullmatch(place)
    if is_odd and at and "@" not in account and "#" not in rest:  # the account is told apart: it is the place that is wrong
        raise _malformed()
    is_ambiguous = is_odd or "#" in rest or "@" in account or "@" in path or "/" in path
    if is_ambiguous or (not at and "@" in query and "=" not in query.partition("@")[0]) or _BAD_PERCENT.search(head):
        raise _invalid(
            Message(
                "hay un carácter que separa sus partes. Codifícalo en el usuario y la contraseña: "
                "# como %23, / como %2F, ? como %3F, @ como %40, : como %3A, % como %25"
            )
        )
    return authority, path, query


def _parameters(query: str) -> dict[str, str]:
    given: dict[str, str] = {}
    for piece in filter(None, query.split("&")):
        if "=" not in piece:
            raise _invalid(Message("un parámetro detrás de «?» no tiene la forma nombre=valor"))
        ((name, value),) = parse_qsl(piece, keep_blank_values=True) or [("", "")]
        given[name.lower() if name.lower() in _BOTH | _LIBPQ | _FOREIGN | _PLACE else name] = value
    return given


def _hosts(place: str, given: dict[str, str]) -> tuple[Host, ...]:
    listed = given.pop("host", "") or given.get("hostaddr", "")
    ports = [port for port in given.pop("port", "").split(",") if port]
    pieces = place.split(",") if place else listed.split(",") if listed else []
    return tuple(
        _host(piece, ports[min(number, len(ports) - 1)] if ports else "", in_authority=bool(place))
        for number, piece in enumerate(pieces)
    )


def _host(piece: str, port: str, *, in_authority: bool) -> Host:
    name = unquote(piece) if in_authority else piece
    found = re.fullmatch(r"\[([^\]]*)\](?::(\d*))?|([^:]*)(?::(\d*))?", piece)
    if found and (in_authority or (found[4] and not name.startswith("/"))):
        name, port = unquote(found[1] or found[3] or ""), found[2] or found[4] or port
    if port and not (port.isascii() and port.isdigit() and 0 < int(port) < 1 << 16):
        raise _invalid(Message("el puerto debe ser un número del 1 al 65535"))
    return Host(name or "localhost", int(port) if port else None)


def _assorted(account: str, hosts: tuple[Host, ...], database: str, given: dict[str, str]) -> Address:
    options = {name: value for name, value in given.items() if name in _BOTH}
    if given.get("ssl", "").lower() in {"true", "1", "on", "require"}:
        options.setdefault("sslmode", "require")
    settings = {"search_path": given["schema"]} if given.get("schema") else {}
    settings |= {name: value for name, value in given.items() if name not in _BOTH | _LIBPQ | _FOREIGN | _PLACE}
    if strange := [name for name in settings if not _SETTING.fullmatch(name)]:
        raise _invalid(Message("no se conoce el parámetro {name}", {"name": strange[0][:60]}))
    only_libpq = {name: value for name, value in given.items() if name in _LIBPQ}
    target = given.get("target_session_attrs", "") or "any"
    if target not in {"any", "primary", "standby", "prefer-standby", "read-write", "read-only"}:
        raise _invalid(Message("el valor de {name} no es válido", {"name": "target_session_attrs"}))
    is_for_libpq = not settings and not given.keys() & (_FOREIGN | {"database", "schema", "ssl"})
    return Address(account, hosts, database, options, settings, only_libpq, target, _timeout(only_libpq), is_for_libpq)


def _timeout(given: dict[str, str]) -> float | None:
    text = given.get("connect_timeout", "")
    if text and not text.lstrip("-").isdecimal():
        raise _invalid(Message("el valor de {name} no es válido", {"name": "connect_timeout"}))
    # As in libpq: 0 and less mean for ever, which here is the usual time.
    return max(float(text), 2.0) if text and int(text) > 0 else None


def _with_certificates(options: dict[str, str]) -> dict[str, str]:
    if options.get("sslrootcert") != "system":
        return options
    found = ssl.get_default_verify_paths().cafile or "/etc/ssl/certs/ca-certificates.crt"
    return {**options, "sslrootcert": found} if Path(found).is_file() else options


def _query(options: dict[str, str]) -> str:
    return f"?{urlencode(options, quote_via=quote, safe='/,')}" if options else ""


def _escaped(value: str) -> str:
    return re.sub(r"([\\\s])", r"\\\1", value)


def _malformed() -> SettingsInvalid:
    return _invalid(Message("la dirección está mal escrita; su forma es postgresql://usuario:contraseña@servidor:5432/base"))


def _invalid(problem: Message) -> SettingsInvalid:
    return SettingsInvalid(
        "DATABASE_URL no se entiende: {problem}.\nCorrígela en el entorno o en el archivo .env.", problem=problem
    )
