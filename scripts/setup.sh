#!/usr/bin/env bash
# Prepares .venv from a lock file with hashes; instant when nothing changed since the last time.
# Usage: scripts/setup.sh [run|dev|docs]
set -euo pipefail
cd -P "$(dirname "$0")/.."

kind=${1:-run}
# What root installs must be readable by the user of the service, whatever root's own umask is.
umask 022

case $kind in
run) lock=requirements.lock ;;
dev | docs) lock=requirements-$kind.lock ;;
*) echo "Uso: scripts/setup.sh [run|dev|docs]" >&2 && exit 2 ;;
esac

fingerprint() {
  pwd # a .venv that was copied or moved is made again
  cksum "$1" pyproject.toml
}

is_ready() { [ -x .venv/bin/python ] && [ "$(cat ".venv/.ready-$1" 2>/dev/null)" = "$(fingerprint "$2")" ]; }

fail() {
  printf '%s\n' "$@" >&2
  exit 1
}

# The parent's settings must not decide what lands in .venv: of pip's variables only those of the network stay.
clean_environment() {
  local name
  unset PYTHONPATH PYTHONHOME PYTHONSAFEPATH PYTHONWARNINGS __PYVENV_LAUNCHER__
  for name in "${!PIP_@}"; do
    case $name in
    *INDEX* | *_CERT | *_CONFIG_FILE | *FIND_LINKS | *HOST | *PROXY | *TIMEOUT | *RETRIES | *CACHE_DIR | *KEYRING*) ;;
    *) unset "$name" ;;
    esac
  done
  export PIP_USER=0 PIP_REQUIRE_HASHES=0 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
}

is_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

version_of() {
  if command -v "$1" >/dev/null; then "$1" --version 2>&1 | head -n 1; else echo "no se encuentra"; fi
}

# find_python: the one that PYTHON names, else the first of the usual names that is new enough.
find_python() {
  local name
  for name in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
    if is_new_enough "$name"; then
      echo "$name"
      return
    fi
  done
  name=${PYTHON:-python3}
  fail "guiado necesita Python 3.11 o posterior; «$name»: $(version_of "$name")." \
    "Instálalo, o indica cuál usar delante del comando, por ejemplo: PYTHON=python3.12"
}

make_venv() {
  local python
  python=$(find_python)
  "$python" -c 'import venv, ensurepip' 2>/dev/null ||
    fail "A «$python» le falta el módulo venv (ensurepip), con el que se prepara .venv." \
      "Instálalo (en Debian o Ubuntu: apt-get install python3-venv) y repite."
  "$python" -m venv --clear .venv
}

# A .venv made by hand is kept; one that was copied, half made or of an old Python is made again.
is_venv_usable() {
  is_new_enough .venv/bin/python && .venv/bin/python -c 'import pip' 2>/dev/null &&
    grep -qsF "$PWD/.venv" .venv/bin/activate
}

# Hashes refuse editables, hence two steps. A lock is complete: --no-deps, since it leaves out on purpose what Litestar never imports.
install() {
  .venv/bin/python -m pip install --quiet --no-deps --require-hashes -r "$lock"
  if [ "$kind" != docs ]; then .venv/bin/python -m pip install --quiet --no-deps --no-build-isolation -e .; fi
}

if is_ready "$kind" "$lock"; then exit 0; fi
clean_environment
echo "Preparando .venv con $lock…"
is_venv_usable || make_venv
install
if [ "$(id -u)" = 0 ] && [ -n "$(find . -maxdepth 0 ! -perm -005)" ]; then
  echo "Aviso: otros usuarios no pueden leer $PWD. Si el servicio usa otro usuario: chmod -R go+rX $PWD" >&2
fi
fingerprint "$lock" >".venv/.ready-$kind"
# What development needs includes what running needs.
if [ "$kind" = dev ]; then fingerprint requirements.lock >.venv/.ready-run; fi
