"""Removal of column options from a dump's definitions that other versions of PostgreSQL refuse.

Since the minor versions of late 2026, PostgreSQL keeps a note of its own, `pg_attver`, among the options of each column, where
only `n_distinct` and `n_distinct_inherited` belong. The `pg_dump` of those minors leaves it out; an earlier one writes it down
like any option, and then every earlier server refuses the whole table: unrecognized parameter "pg_attver". Which `pg_dump` is
at hand, and which server reads its file, is nothing that an operator chooses, so the definitions go through here.
"""

from __future__ import annotations

import re

_OPTIONS_OF_ALL_VERSIONS = ("n_distinct", "n_distinct_inherited")
_END = ");\n"
_STATEMENT = re.compile(r"^ALTER (?:FOREIGN TABLE|MATERIALIZED VIEW|TABLE) .+\);\n", re.MULTILINE)


def without_private_options(definitions: str) -> str:
    """Return the same SQL with only those column options that every version of PostgreSQL knows.

    Args:
        definitions: output of `pg_dump --section=pre-data` or `pg_restore --section=pre-data`, without rows.
    """
    return _STATEMENT.sub(_with_public_options, definitions)


def _with_public_options(statement: re.Match[str]) -> str:
    head, mark, options = statement[0].removesuffix(_END).rpartition(" SET (")
    if not options or " ALTER COLUMN " not in head:
        return statement[0]
    kept = [option for option in options.split(", ") if option.partition("=")[0] in _OPTIONS_OF_ALL_VERSIONS]
    return f"{head}{mark}{', '.join(kept)}{_END}" if kept else ""
