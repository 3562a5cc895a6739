#!/usr/bin/env bash
# Debian packages that only the tests use: tmux for the terminal tests.
set -euo pipefail
missing=()
command -v tmux >/dev/null || missing+=(tmux)
[ ${#missing[@]} -eq 0 ] && exit 0
if [ "$(id -u)" -ne 0 ]; then
  echo "the tests need ${missing[*]}: sudo apt-get install ${missing[*]}" >&2
  exit 5
fi
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
