"""Addresses of databases: what is read from them, what each reader gets, and that no password is ever shown."""

from __future__ import annotations

from contextlib import suppress

import pytest

from guiado.errors import SettingsInvalid
from guiado.settings import read_settings
from guiado.store.address import Host, mask, read_address

SECRET = "se-cre-to"


@pytest.mark.parametrize(
    "dsn",
    [
        f"postgresql://ana:{SECRET}@localhost:5432/guiado",
        f"postgres://ana:{SECRET}@db/guiado?sslmode=require",
        f"postgresql://ana:{SECRET}#x@localhost:5503/sp",
        f"postgresql://ana:a#{SECRET}@localhost:5503/sp",
        f"postgresql://ana:a/{SECRET}@localhost:5503/sp",
        f"postgresql://ana:a?{SECRET}@localhost:5503/sp",
        f"postgresql://ana:12/{SECRET}@localhost:5503/sp",
        f"postgresql://ana:a@{SECRET}@localhost/sp",
        f"postgresql://ana:a@b/{SECRET}@localhost/sp",
        f"postgresql://ana:100%{SECRET}@localhost/sp",
        f"postgresql://ana:{SECRET}",
        f"postgresql://ana:{SECRET}/guiado",
        f"postgresql://ana@db/guiado?password={SECRET}",
        f"postgresql://ana@db/guiado?password=a&{SECRET}",
        f"postgresql://ana@db/guiado?sslmode=require&sslpassword={SECRET}&application_name=a@b",
        f"postgresql://ana:{SECRET}@db/guiado?application_name=a@b",
        f"mysql://ana:{SECRET}@db/guiado",
        f"ana:{SECRET}@db/guiado",
        f"host=db user=ana password={SECRET} dbname=guiado",
        f"host=db password='a {SECRET}' user=ana",
    ],
)
def test_no_password_is_shown(dsn):
    shown = mask(dsn)
    assert SECRET not in shown
    assert "***" in shown
    with suppress(SettingsInvalid):
        assert read_address(dsn)


@pytest.mark.parametrize(
    "dsn", ["postgresql://ana@db.example/guiado", "postgresql:///guiado?host=/run/postgresql", "postgresql://a:5432,b:5433/x"]
)
def test_an_address_without_a_password_is_shown_as_it_is(dsn):
    assert mask(dsn) == dsn


@pytest.mark.parametrize("character", ["#", "/", "?", "@", "%"])
def test_a_password_that_was_not_encoded_is_explained(character):
    with pytest.raises(SettingsInvalid) as caught:
        read_address(f"postgresql://ana:abc{character}xyz@localhost:5432/guiado")
    assert "%23" in str(caught.value)
    assert "abc" not in str(caught.value)
    assert "xyz" not in str(caught.value)
    assert len(str(caught.value).splitlines()) == 2


def test_an_encoded_password_is_none_of_our_business():
    address = read_address("postgresql://ana:abc%23x@localhost:5432/guiado")
    assert address.hosts == (Host("localhost", 5432),)
    assert address.for_driver == "postgresql://ana:abc%23x@/guiado"


@pytest.mark.parametrize(
    ("dsn", "hosts"),
    [
        ("postgresql://a:1,b:2/x", (Host("a", 1), Host("b", 2))),
        ("postgresql://a,b/x?port=7", (Host("a", 7), Host("b", 7))),
        ("postgresql:///x?host=a,/run/pg&port=1,2", (Host("a", 1), Host("/run/pg", 2))),
        ("postgresql://[::1]:5433/x", (Host("::1", 5433),)),
        ("postgresql:///x", ()),
        ("postgresql://ana@/guiado?host=%2Fvar%2Flib%2Fx/run&port=5432", (Host("/var/lib/x/run", 5432),)),
    ],
)
def test_the_servers_are_read_in_their_order(dsn, hosts):
    assert read_address(dsn).hosts == hosts


FOREIGN = (
    *("connect_timeout=10", "keepalives=1", "keepalives_idle=30", "gssencmode=disable", "channel_binding=require"),
    *("pgbouncer=true", "connection_limit=5", "pool_timeout=0", "client_encoding=utf8", "target_session_attrs=any"),
    *("sslcompression=0", "statement_cache_size=0", "load_balance_hosts=disable"),
)


@pytest.mark.parametrize("parameter", FOREIGN)
def test_parameters_of_other_readers_do_not_reach_the_server(parameter):
    address = read_address(f"postgresql://ana@db/guiado?sslmode=require&{parameter}")
    assert address.for_driver == "postgresql://ana@/guiado?sslmode=require"
    assert address.settings == {}


def test_a_time_for_connecting_is_honoured():
    assert read_address("postgresql://db/x?connect_timeout=3").connect_timeout_s == 3
    assert read_address("postgresql://db/x?connect_timeout=0").connect_timeout_s is None


def test_programs_of_postgresql_get_only_what_they_know():
    address = read_address("postgresql://ana:x@a:1,b/guiado?pgbouncer=true&schema=uno&keepalives=1&work_mem=7MB")
    assert not address.is_for_libpq
    assert address.for_libpq == (
        "postgresql://ana:x@/guiado?keepalives=1&host=a,b&port=1,&options=-c%20search_path%3Duno%20-c%20work_mem%3D7MB"
    )
    assert read_address("postgresql://ana:x@a/guiado?sslmode=require&keepalives=1").is_for_libpq


@pytest.mark.parametrize("dsn", ["POSTGRESQL://ana:x@a/guiado", " postgresql://ana:x@a/guiado", "postgresql://ana:x@a/guiado\n"])
def test_programs_of_postgresql_get_the_form_that_they_read(dsn):
    address = read_address(dsn)
    assert not address.is_for_libpq
    assert address.for_libpq.startswith("postgresql://ana:x@/guiado?host=a")


@pytest.mark.parametrize("end", ["?a b=1", "?x", "?connect_timeout=pronto", "?target_session_attrs=master", "?port=99999"])
def test_what_cannot_be_a_parameter_is_a_fault_of_the_address(end):
    with pytest.raises(SettingsInvalid, match="DATABASE_URL no se entiende"):
        read_address(f"postgresql://db/guiado{end}")


def test_settings_show_no_secret(monkeypatch):
    names = ("DATABASE_URL", "OPENAI_API_KEY", "SMTP_PASSWORD", "SLACK_WEBHOOK_URL", "SLACK_BOT_TOKEN", "KESTRA_WEBHOOK_URL")
    for name in (*names, "TWILIO_AUTH_TOKEN", "APPRISE_URLS", "SMS_URL", "NTFY_URL", "OPENAI_BASE_URL"):
        monkeypatch.setenv(name, f"https://{SECRET}.example.com/{SECRET}")
    settings = read_settings()
    assert SECRET not in repr(settings)
    assert SECRET not in str(settings)
