#!/usr/bin/env bash
# Renders docs/ and the reference pages that come from the code as a site; a link that leads nowhere is an error.
# Usage: scripts/docs.sh [FOLDER]   (site/ by default; what is there is replaced)
set -euo pipefail
cd "$(dirname "$0")/.."

bin=$PWD/.venv/bin
site=${1:-site}
source=$(mktemp -d)
trap 'rm -rf "$source"' EXIT

"$bin/python" scripts/reference.py "$source/docs"
(cd "$source/docs" && "$bin/zensical" build --clean --strict)
mkdir -p "$(dirname "$site")"
rm -rf "$site"
mv "$source/docs/site" "$site"
echo "Documentación en $site/index.html"
