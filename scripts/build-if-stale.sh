#!/usr/bin/env bash
# Builds dist unless it is newer than everything that it is made from.
set -euo pipefail
cd "$(dirname "$0")/.."
stamp=dist/.built
if [ ! -e "$stamp" ] || [ -n "$(find src bin scripts/build.js scripts/compile.js tsconfig.json package-lock.json -newer "$stamp" -print -quit)" ]; then
  node scripts/build.js >&2
  touch "$stamp"
fi
