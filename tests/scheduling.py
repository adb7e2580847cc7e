"""Distribution of the tests over processes: a file's tests share one, and with it what the file sets up once.

pytest-xdist has `--dist loadgroup` for that; its 3.8 does not see the groups with pytest 9.2, which keeps the ids of tests elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    import pytest
    from xdist.remote import Producer

ALONE = ("test_storm", "test_wizard", "test_wizard_bad_input", "test_widget", "test_framed_door", "test_lighthouse")
"""Files of `tests/e2e` that run one after another: a browser takes the processor on which recovery is timed."""


def is_alone(nodeid: str) -> bool:
    """Whether a test belongs to one of the files that run one after another."""
    return nodeid.partition("::")[0].removesuffix(".py").removeprefix("tests/e2e/") in ALONE


class FileScheduling(LoadScopeScheduling):
    """Scheduler that gives the tests of a file to one process, in the order in which the files were collected."""

    def __init__(self, config: pytest.Config, log: Producer | None = None) -> None:
        config.option.loadscopereorder = False
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return "alone" if is_alone(nodeid) else nodeid.partition("::")[0]
