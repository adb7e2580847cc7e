#!/usr/bin/env bash
# Runs the tests on two processes: the quick ones, or the longer proofs.
# Usage: scripts/test.sh [quick|long] [pytest's arguments]
set -euo pipefail
cd "$(dirname "$0")/.."

kind=${1:-quick}
shift || true
case $kind in
quick) marker="not long" ;;
long) marker="long" ;;
*) echo "Uso: scripts/test.sh [quick|long] [argumentos de pytest]" >&2 && exit 2 ;;
esac

scripts/chromium.sh
status=0
.venv/bin/python -m pytest -n 2 --dist loadgroup -m "$marker" "$@" || status=$?
if [ "$kind" = long ] && [ "$status" -eq 5 ]; then
  echo "No hay pruebas largas que ejecutar."
  exit 0
fi
exit "$status"
