#!/usr/bin/env bash
# Writes constraints.txt and the four lock files from pyproject.toml, without any registry's address.
# Usage: scripts/lock.sh [--upgrade]   (without it, versions that are already locked stay)
set -euo pipefail
cd "$(dirname "$0")/.."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

uv=$(command -v uv || true)
if ! "${uv:-false}" --version >/dev/null 2>&1; then
  "${PYTHON:-python3}" -m venv "$scratch/venv"
  "$scratch/venv/bin/python" -m pip install --quiet --disable-pip-version-check uv
  uv=$scratch/venv/bin/uv
fi

# compile OUTPUT ARGS...: one universal resolution for every supported Python and platform.
compile() {
  local output=$1
  shift
  "$uv" pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --no-emit-find-links \
    --custom-compile-command "make lock" --output-file "$output" "$@" >/dev/null
  echo "  $output"
}

compile constraints.txt pyproject.toml --group dev --no-annotate "$@"
# Litestar declares polyfactory, and so Faker's 26 MB, for examples that it makes up in an OpenAPI document. Ours has its own, and
# nothing else imports them (ADR 0018). `make run` installs its lock without dependencies; pip by itself, with constraints.txt, takes them.
echo polyfactory >"$scratch/not-for-running"

# The locks follow the constraints, so that all of them name the same versions. They keep extras: with hashes, pip before 23.3
# takes a requirement with an extra for one of its own, and needs its exact version too.
for lock in "requirements.lock pyproject.toml --group build --excludes $scratch/not-for-running" \
  "requirements-dev.lock pyproject.toml --group dev" \
  "requirements-docs.lock --group docs"; do
  # shellcheck disable=SC2086 # the words of a line are arguments
  compile $lock --constraints constraints.txt --generate-hashes --no-strip-extras "$@"
done

# The tools of the audit are not installed beside ours, and have versions of their own.
compile requirements-audit.lock --group audit --generate-hashes --no-strip-extras "$@"

if grep -n '://' constraints.txt requirements*.lock; then
  echo "Un archivo de versiones nombra un servidor: quítalo de la configuración de uv y repite «make lock»." >&2
  exit 1
fi
