#!/usr/bin/env bash
# Installs docker compose (the plugin of Debian 13) for this user, and a docker CLI if there is none; no daemon, nothing
# is started, and apt's own configuration and lists stay as they are. Idempotent.
set -euo pipefail

plugins="${DOCKER_CONFIG:-$HOME/.docker}/cli-plugins"
plugin="$plugins/docker-compose"
bin="${PLIMSOLL_BIN:-/usr/local/bin}"

works() { command -v docker >/dev/null && docker compose version >/dev/null 2>&1; }
if works; then
  docker compose version
  exit 0
fi
command -v apt-get >/dev/null || { echo 'install-compose: only Debian and its relatives have apt-get; install docker compose by hand' >&2; exit 5; }

# Everything that apt reads and writes lies in a folder of our own.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{state/lists/partial,cache/archives/partial,etc/preferences.d,deb}
touch "$work/status"
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
# The mirror that this machine already uses.
mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null |
  grep -v '^ *#' | grep -oE 'https?://[^ ]+/debian/?( |$)' | head -n 1 | tr -d ' ') || true
[ -n "$mirror" ] || { echo 'install-compose: no Debian mirror in /etc/apt/sources.list*; install docker compose by hand' >&2; exit 5; }
cat >"$work/etc/sources.list" <<LIST
deb [signed-by=$keyring] $mirror trixie main
LIST
cat >"$work/apt.conf" <<CONF
Dir::Etc "$work/etc";
Dir::Etc::sourcelist "$work/etc/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::parts "/etc/apt/apt.conf.d";
Dir::Etc::main "/etc/apt/apt.conf";
Dir::Etc::preferencesparts "$work/etc/preferences.d";
Dir::State "$work/state";
Dir::State::status "$work/status";
Dir::Cache "$work/cache";
APT::Sandbox::User "root";
CONF
export APT_CONFIG="$work/apt.conf"

# A mirror that is busy for a moment is no reason to fail.
tries() { for wait in 2 5 10 0; do "$@" && return 0; [ "$wait" = 0 ] || sleep "$wait"; done; return 1; }
tries apt-get update -qq

fetch() { # package, path inside it, destination
  (cd "$work/deb" && tries apt-get download -qq "$1" && dpkg -x "$1"_*.deb "$work/$1")
  install -D -m 755 "$work/$1/$2" "$3"
}

mkdir -p "$plugins"
docker compose version >/dev/null 2>&1 || fetch docker-compose usr/libexec/docker/cli-plugins/docker-compose "$plugin"
if ! command -v docker >/dev/null; then
  [ -w "$bin" ] || { bin="$HOME/.local/bin"; mkdir -p "$bin"; echo "install-compose: docker goes to $bin; put it on PATH" >&2; }
  fetch docker-cli usr/bin/docker "$bin/docker"
fi
PATH="$bin:$PATH" docker compose version
