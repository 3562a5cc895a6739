#!/usr/bin/env bash
# `npm run verify`: everything that npm and Debian's packages alone can prove. Installs what it needs.
set -uo pipefail
cd "$(dirname "$0")/.."
bash scripts/setup.sh || exit 1
# Servers and tools of the live and terminal tests; policy: started by us only (see `plimsoll doctor --help`).
node bin/plimsoll.js doctor --install >&2 || exit 1
bash scripts/install-test-tools.sh >&2 || exit 1

source scripts/tests.sh
check 'types' npm run --silent typecheck
check 'lint and format' npx --no-install biome check .
suite unit
suite live
suite tty
[ -n "${PLIMSOLL_COUNTS:-}" ] || finish
