#!/usr/bin/env bash
# Makes sure that a Docker engine answers: uses the one that runs, else installs Debian's (docker.io, which starts nothing here)
# and runs dockerd as a process of its own that stays. Idempotent. Ends with 5 what is missing, with 6 what does not start.
#   start-docker.sh          start it if none answers
#   start-docker.sh --stop   end the one that this script started
set -euo pipefail

state="${PLIMSOLL_DOCKER_STATE:-/tmp}"
log="$state/compose-dockerd.log"
pidfile="$state/compose-dockerd.pid"
say() { printf '\033[2m[docker]\033[0m %s\n' "$*" >&2; }
answers() { docker info --format '{{.ServerVersion}}' >/dev/null 2>&1; }
ours() { [ -e "$pidfile" ] && [ "$(cat "/proc/$(cat "$pidfile")/comm" 2>/dev/null)" = dockerd ]; }

if [ "${1:-}" = --stop ]; then
  ours || { say 'none that this script started'; exit 0; }
  pid=$(cat "$pidfile")
  kill "$pid"
  for _ in $(seq 100); do [ -d "/proc/$pid" ] || break; sleep 0.1; done
  rm -f "$pidfile"
  exit 0
fi

command -v docker >/dev/null && answers && exit 0
[ "$(id -u)" -eq 0 ] || { say 'no engine answers, and only root can start one'; exit 5; }

if ! command -v dockerd >/dev/null || ! command -v docker >/dev/null; then
  command -v apt-get >/dev/null || { say 'no dockerd, and no apt-get to install it with'; exit 5; }
  say 'apt-get install docker.io'
  # Packages must not start servers: this script does, and says where the log is.
  policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
  fi
  apt=(apt-get -qq -o DPkg::Lock::Timeout=300)
  install=("${apt[@]}" -y --no-install-recommends install docker.io iptables)
  DEBIAN_FRONTEND=noninteractive "${install[@]}" >&2 ||
    { "${apt[@]}" update && DEBIAN_FRONTEND=noninteractive "${install[@]}" >&2; } || exit 5
fi

# Machines differ in what their kernel allows: the usual set-up first, then without address translation, then without overlays.
for options in '' '--iptables=false --ip-masq=false' '--storage-driver=vfs --iptables=false --ip-masq=false'; do
  if ! ours; then
    say "dockerd $options (log: $log)"
    # shellcheck disable=SC2086
    setsid dockerd $options >>"$log" 2>&1 </dev/null &
    echo $! >"$pidfile"
    sleep 0.3
  fi
  for _ in $(seq 120); do
    answers && exit 0
    ours || break
    sleep 0.25
  done
  if ours; then kill "$(cat "$pidfile")" 2>/dev/null || true; sleep 2; fi
done
say 'dockerd does not start; the end of its log:'
tail -n 5 "$log" >&2
exit 6
