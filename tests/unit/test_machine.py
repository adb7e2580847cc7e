"""What the operating system gives a process, as `guiado doctor` looks at it."""

from __future__ import annotations

import asyncio
import os
import resource
from pathlib import Path

import pytest

from guiado import logs
from guiado.app import machine, open_files

MB = 1_048_576


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{text}\n")


def test_the_lowest_limit_of_all_groups_counts(tmp_path):
    assert machine.memory_limit_bytes(tmp_path) is None
    write(tmp_path / "proc/self/cgroup", "0::/system.slice/guiado.service")
    write(tmp_path / "sys/fs/cgroup/system.slice/guiado.service/memory.max", "max")
    assert machine.memory_limit_bytes(tmp_path) is None
    write(tmp_path / "sys/fs/cgroup/system.slice/memory.max", str(256 * MB))
    write(tmp_path / "sys/fs/cgroup/memory.max", str(900 * MB))
    assert machine.memory_limit_bytes(tmp_path) == 256 * MB


def test_the_older_kind_of_groups_is_read_too(tmp_path):
    write(tmp_path / "proc/self/cgroup", "5:memory:/docker/abc")
    write(tmp_path / "sys/fs/cgroup/memory/memory.limit_in_bytes", str(9223372036854771712))
    assert machine.memory_limit_bytes(tmp_path) is None
    write(tmp_path / "sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes", str(128 * MB))
    assert machine.memory_limit_bytes(tmp_path) == 128 * MB


@pytest.mark.parametrize(
    ("limit_mb", "is_embedded", "state"), [(400, True, "doubtful"), (400, False, "good"), (600, True, "good")]
)
def test_too_little_memory_is_said_with_the_need(monkeypatch, limit_mb, is_embedded, state):
    monkeypatch.setattr(machine, "memory_limit_bytes", lambda: limit_mb * MB)
    (found,) = [one for one in machine.look_at_machine(is_embedded=is_embedded) if one.check == "memory"]
    assert found.state == state
    assert f"{limit_mb} MB" in str(found.said)


def test_few_open_files_are_said(monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda _kind: (256, 4096))
    assert {one.check: one.state for one in machine.look_at_machine(is_embedded=False)}["files"] == "doubtful"


def test_what_only_root_can_read_is_said_to_root(tmp_path, monkeypatch):
    package = tmp_path / "opt/guiado/__init__.py"
    write(package, "")
    monkeypatch.setattr(machine.guiado, "__file__", str(package))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    package.parent.chmod(0o700)
    closed = machine._closed(package)
    assert closed in [package.parent, *package.parents]
    assert {one.check for one in machine.look_at_machine(is_embedded=False)} >= {"rights_of_files"}
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "rights_of_files" not in {one.check for one in machine.look_at_machine(is_embedded=False)}


def test_open_files_that_are_nearly_used_up_are_said_once(monkeypatch, caplog):
    shares = iter([0.5, 0.95, 0.99, 0.2])
    monkeypatch.setattr(open_files, "_POLL_S", 0.0)
    monkeypatch.setattr(open_files, "used_share", lambda: next(shares))

    async def watch():
        await open_files.watch()

    with caplog.at_level("INFO", logger="guiado"), pytest.raises(RuntimeError):  # there are no more shares
        asyncio.run(watch())
    assert [str(record.msg).split()[0] for record in caplog.records] == ["open_files_used_up", "open_files_free_again"]


def test_the_share_of_open_files_is_counted(monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda _kind: (10_000, 10_000))
    before = open_files.used_share()
    with Path("/dev/null").open() as one, Path("/dev/null").open() as other:
        assert open_files.used_share() == pytest.approx(before + 0.0002)
        assert one.fileno() != other.fileno()


def test_a_fault_of_the_database_that_goes_on_is_one_line(monkeypatch, caplog):
    monkeypatch.setattr(logs, "_repeats", logs._Repeats())
    log = logs.get_logger()
    with caplog.at_level("INFO", logger="guiado"):
        for _ in range(20):
            log.error("sender_waits", error="DatabaseUnavailable: solo admite lecturas")
            log.error("messenger_waits", error="DatabaseUnavailable: solo admite lecturas")
            log.error("delivery_waits", error="KeyError: x")
    events = [str(record.msg).split()[0] for record in caplog.records]
    assert (events.count("sender_waits"), events.count("messenger_waits"), events.count("delivery_waits")) == (1, 1, 20)
