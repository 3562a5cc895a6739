#!/usr/bin/env bash
# `npm run verify:full`: what needs more than npm and Debian stable: a Docker engine, docker compose and images, all made from
# Debian's packages. Installs and starts what it needs; an engine that it has started is ended again.
set -uo pipefail
cd "$(dirname "$0")/.."
bash scripts/setup.sh || exit 1

source scripts/tests.sh
docker info >/dev/null 2>&1 && found=yes || found=no
check 'a Docker engine runs' bash scripts/start-docker.sh
check 'docker compose is installed' bash scripts/install-compose.sh
check 'the images that compose files name are there' bash scripts/local-images.sh
suite full
[ "$found" = yes ] || bash scripts/start-docker.sh --stop
[ -n "${PLIMSOLL_COUNTS:-}" ] || finish
