#!/usr/bin/env bash
# `npm run verify:full`: what needs more than npm and Debian stable (docker compose, from Debian testing).
set -uo pipefail
cd "$(dirname "$0")/.."
bash scripts/setup.sh || exit 1

source scripts/tests.sh
check 'docker compose is installed' bash scripts/install-compose.sh
suite full
[ -n "${PLIMSOLL_COUNTS:-}" ] || finish
