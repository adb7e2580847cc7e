#!/usr/bin/env bash
# Every static check, all of them even when one fails: style, format, types, layers.
# Usage: scripts/check.sh
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

failed=()

check() {
  local name=$1
  shift
  echo "· $name"
  "$@" || failed+=("$name")
}

bin=.venv/bin
check "ruff check" "$bin/ruff" check --quiet .
check "ruff format" "$bin/ruff" format --quiet --check .
check "basedpyright" "$bin/basedpyright" --pythonpath "$bin/python"
check "basedpyright tests" "$bin/basedpyright" -p tests --pythonpath "$bin/python"
check "lint-imports" "$bin/lint-imports" --no-logo

if [ ${#failed[@]} -gt 0 ]; then
  printf 'No pasa: %s\n' "${failed[@]}" >&2
  exit 1
fi
