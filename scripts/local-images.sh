#!/usr/bin/env bash
# Builds the images that generated compose files name, under those names, from Debian 13 packages alone: for machines that
# cannot pull from a registry. What is there already stays; elsewhere `docker compose` pulls the official images, and this
# script is not needed. How the images differ from the official ones: docs/compose.md.
set -euo pipefail
cd "$(dirname "$0")"

base=debian:trixie-slim
# As in src/deploy/generate/compose-service.ts and Dockerfile; a test compares them.
images='nginx:1.26 redis:8 postgres:17 node:20.19-trixie-slim prom/prometheus:v2.53.3 nginx/nginx-prometheus-exporter:1.4.1
  oliver006/redis_exporter:v1.69.0 prometheuscommunity/postgres-exporter:v0.17.1'
cache="${PLIMSOLL_IMAGE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/plimsoll/images}"
say() { printf '\033[2m[images]\033[0m %s\n' "$*" >&2; }
there() { docker image inspect "$1" >/dev/null 2>&1; }

if [ "${1:-}" = --list ]; then printf '%s\n' $images; exit 0; fi
docker info >/dev/null 2>&1 || { say 'no Docker engine answers: scripts/start-docker.sh'; exit 5; }
missing=()
for image in $images; do there "$image" || missing+=("$image"); done
[ ${#missing[@]} -eq 0 ] && exit 0

mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null |
  grep -v '^ *#' | grep -oE 'https?://[^ ]+/debian/?( |$)' | head -n 1 | tr -d ' ') || true
[ -n "$mirror" ] || { say 'no Debian mirror in /etc/apt/sources.list*'; exit 5; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The base: cached as a tar file, so that an engine whose data was lost has it back in seconds.
if ! there "$base"; then
  mkdir -p "$cache/debs"
  if [ ! -e "$cache/trixie.tar" ]; then
    if ! command -v debootstrap >/dev/null; then
      say 'apt-get install debootstrap'
      apt=(apt-get -qq -o DPkg::Lock::Timeout=300)
      install=("${apt[@]}" -y --no-install-recommends install debootstrap)
      DEBIAN_FRONTEND=noninteractive "${install[@]}" >&2 || { "${apt[@]}" update && "${install[@]}" >&2; } || exit 5
    fi
    say "debootstrap trixie"
    debootstrap --variant=minbase --include=ca-certificates --cache-dir="$cache/debs" \
      --keyring=/usr/share/keyrings/debian-archive-keyring.gpg trixie "$work/root" "$mirror" >"$work/log" 2>&1 ||
      { tail -n 20 "$work/log" >&2; exit 6; }
    rm -rf "$work"/root/var/cache/apt/* "$work"/root/var/lib/apt/lists/* "$work"/root/usr/share/{doc,man,info,locale}/*
    # Whom this machine trusts: a proxy that reads TLS, for example.
    cp /etc/ssl/certs/ca-certificates.crt "$work/root/etc/ssl/certs/ca-certificates.crt"
    # What is lost with the machine is built again.
    mkdir -p "$work/root/etc/dpkg/dpkg.cfg.d"
    printf 'force-unsafe-io\npath-exclude /usr/share/doc/*\npath-exclude /usr/share/man/*\npath-exclude /usr/share/locale/*\n' \
      >"$work/root/etc/dpkg/dpkg.cfg.d/plimsoll"
    tar -C "$work/root" -cf "$cache/trixie.tar.part" .
    mv "$cache/trixie.tar.part" "$cache/trixie.tar"
    rm -rf "$work/root"
  fi
  docker import --change 'CMD ["bash"]' "$cache/trixie.tar" "$base" >/dev/null
fi

build() { # name:tag; what it is built from lies in the folder of its name without the organisation
  local name=${1##*/}
  name=${name%%:*}
  local context="$work/$name"
  cp -r "local-images/$name" "$context"
  # npm is not in Debian's nodejs, and its own package brings four hundred others: this machine's stands in.
  [ "$name" != node ] || cp -rL "$(npm root -g)/npm" "$context/npm"
  say "$1"
  # --network host: addresses are translated nowhere, and names resolve as here.
  DOCKER_BUILDKIT=0 docker build --quiet --network host --tag "$1" "$context" >/dev/null 2>"$context.log" ||
    { tail -n 20 "$context.log" >&2; return 1; }
}
# Two at a time: one downloads while the other unpacks.
failed=0
for image in "${missing[@]}"; do
  while [ "$(jobs -rp | wc -l)" -ge 2 ]; do wait -n || failed=6; done
  build "$image" &
done
while [ "$(jobs -rp | wc -l)" -gt 0 ]; do wait -n || failed=6; done
for image in $images; do there "$image" || failed=6; done
exit $failed
