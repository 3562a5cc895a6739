#!/usr/bin/env bash
# Makes a fresh clone runnable: Node check, dependencies, build. Does only what is not done yet; called by demo and verify.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\033[2m[setup]\033[0m %s\n' "$*" >&2; }

node -e 'const [a,b]=process.versions.node.split(".").map(Number);process.exit(a>20||(a===20&&b>=19)?0:1)' || {
  echo "plimsoll needs Node.js 20.19 or newer; this is $(node --version). Install a newer Node.js and try again." >&2
  exit 5
}

# npm records what it installed in this file: older than the lock file means that the lock file has changed since.
if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  say "npm ci"
  npm ci --no-audit --no-fund --loglevel=error >&2
fi

bash scripts/build-if-stale.sh
