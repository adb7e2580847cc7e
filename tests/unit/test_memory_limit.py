"""How much memory the control groups of Linux leave, of both kinds."""

from __future__ import annotations

import pytest

from guiado.app.memory_limit import NEEDED_MB, find_limit_mb, look_at_memory
from guiado.domain.finding import State
from guiado.i18n import translate

MB = 1 << 20


def machine(tmp_path, group, **limits):
    files = {"proc/self/cgroup": group, **{name.replace("__", "/"): value for name, value in limits.items()}}
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_a_service_with_too_little_is_doubtful_and_says_how_much_it_takes(tmp_path):
    root = machine(tmp_path, "0::/system.slice/guiado.service\n")
    folder = root / "sys/fs/cgroup/system.slice/guiado.service"
    folder.mkdir(parents=True)
    (folder / "memory.max").write_text("max\n")
    (folder.parent / "memory.max").write_text(f"{256 * MB}\n")
    (finding,) = look_at_memory(root)
    assert finding.state is State.DOUBTFUL
    said = translate(finding.said, "es")
    assert "256 MB" in said
    assert str(NEEDED_MB) in said


@pytest.mark.parametrize(
    ("group", "place", "limit", "found"),
    [
        ("0::/\n", "sys/fs/cgroup/memory.max", f"{512 * MB}", 512),
        ("4:memory:/docker/abc\n0::/\n", "sys/fs/cgroup/memory/memory.limit_in_bytes", f"{300 * MB}", 300),
        ("4:memory:/\n", "sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712", None),
        ("0::/\n", "sys/fs/cgroup/memory.max", "max", None),
        ("nonsense", "sys/fs/cgroup/memory.max", "1", None),
    ],
)
def test_the_limit_is_found(tmp_path, group, place, limit, found):
    path = tmp_path / place
    path.parent.mkdir(parents=True)
    path.write_text(limit)
    assert find_limit_mb(machine(tmp_path, group)) == found


def test_no_limit_is_nothing_to_say(tmp_path):
    assert look_at_memory(tmp_path) == []
