#!/usr/bin/env bash
# What make test-long asks of the code and of its history: bandit, our own semgrep rules and their tests, secrets, the bill of materials.
# Its tools have pins that do not go with ours, so they stand in .venv-audit, from a lock of their own.
# Usage: scripts/audit.sh [setup]   (setup: only prepares .venv-audit)
set -uo pipefail
cd -P "$(dirname "$0")/.." || exit 1

lock=requirements-audit.lock
bin=$PWD/.venv-audit/bin

fingerprint() {
  pwd
  cksum "$lock"
}

setup() {
  if [ "$(cat .venv-audit/.ready 2>/dev/null)" = "$(fingerprint)" ]; then return; fi
  echo "Preparando .venv-audit con $lock…"
  rm -rf .venv-audit
  .venv/bin/python -m venv .venv-audit &&
    "$bin/python" -m pip install --quiet --disable-pip-version-check --no-input --no-deps --require-hashes -r "$lock" &&
    fingerprint >.venv-audit/.ready
}

setup || exit 1
if [ "${1:-}" = setup ]; then exit 0; fi

failed=()

check() {
  local name=$1
  shift
  echo "· $name"
  "$@" || failed+=("$name")
}

# Nothing leaves this machine: neither figures nor a question for a newer version.
rules() { PATH="$bin:$PATH" SEMGREP_SEND_METRICS=off "$bin/semgrep" scan --quiet --disable-version-check --metrics=off "$@" security/rules; }

code() { rules --error --no-git-ignore src data scripts --config; }

bill() {
  local folder
  folder=$(mktemp -d)
  .venv/bin/python scripts/sbom.py "$folder/sbom.json" >/dev/null && "$bin/python" - "$folder/sbom.json" <<'PYTHON'
import sys
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(Path(sys.argv[1]).read_text("utf-8"))
sys.exit(str(error) if error else 0)
PYTHON
  local status=$?
  rm -rf "$folder"
  return $status
}

check "bandit" "$bin/bandit" --quiet --recursive src data scripts -ll
check "semgrep: pruebas de las reglas" rules --test
check "semgrep: reglas" code
check "secretos, también en la historia" .venv/bin/python scripts/secret_scan.py 1000
check "CycloneDX" bill

if [ ${#failed[@]} -gt 0 ]; then
  printf 'No pasa: %s\n' "${failed[@]}" >&2
  exit 1
fi
