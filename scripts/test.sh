#!/usr/bin/env bash
# Runs the tests: the quick ones on three processes, since they wait a third of their time, or the longer proofs on two.
# Usage: scripts/test.sh [quick|long] [pytest's arguments]
set -euo pipefail
cd "$(dirname "$0")/.."

kind=${1:-quick}
shift || true
case $kind in
quick) marker="not long" processes=3 ;;
long) marker="long" processes=2 ;;
*) echo "Uso: scripts/test.sh [quick|long] [argumentos de pytest]" >&2 && exit 2 ;;
esac

if [ "$kind" = long ] && { ! ls /usr/lib/postgresql/*/bin/postgres /usr/sbin/pgbouncer >/dev/null 2>&1; }; then
  echo "Sin PgBouncer se saltan sus pruebas. Para tenerlas, en Debian: apt-get install postgresql pgbouncer" >&2
fi
scripts/chromium.sh
status=0
.venv/bin/python -m pytest -n "$processes" --dist loadfile -m "$marker" "$@" || status=$?
if [ "$kind" = long ] && [ "$status" -eq 5 ]; then
  echo "No hay pruebas largas que ejecutar."
  exit 0
fi
exit "$status"
