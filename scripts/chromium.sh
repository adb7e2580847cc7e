#!/usr/bin/env bash
# Makes sure that the tests marked `browser` find Chromium; never fails, and says plainly what is skipped.
# Usage: scripts/chromium.sh
set -uo pipefail
cd "$(dirname "$0")/.." || exit 0

has_browser_tests() { grep -rqs --include='*.py' 'mark\.browser' tests; }

has_chromium() {
  local name
  for name in chromium chromium-browser google-chrome; do
    "$name" --version >/dev/null 2>&1 && return
  done
  return 1
}

install_chromium() {
  export DEBIAN_FRONTEND=noninteractive
  apt-get update && apt-get install -y --no-install-recommends chromium
}

skip() {
  echo "Las pruebas de navegador se omiten: $1"
  exit 0
}

if ! has_browser_tests || has_chromium; then exit 0; fi
command -v apt-get >/dev/null || skip "instala Chromium para ejecutarlas."
[ "$(id -u)" -eq 0 ] || skip "instala Chromium (sudo apt-get install chromium) para ejecutarlas."
echo "Instalando Chromium para las pruebas de navegador…"
log=$(mktemp)
if install_chromium >"$log" 2>&1 </dev/null && has_chromium; then
  rm -f "$log"
else
  skip "Chromium no se pudo instalar; el registro está en $log"
fi
