#!/usr/bin/env bash
# Renders docs/ as a site in site/; a link that leads nowhere is an error.
# Usage: scripts/docs.sh
set -euo pipefail
cd "$(dirname "$0")/.."

if [ ! -f docs/index.md ] && [ ! -f docs/README.md ]; then
  echo "Falta docs/index.md, la portada de la documentación." >&2
  exit 1
fi
.venv/bin/zensical build --clean --strict
echo "Documentación en site/index.html"
