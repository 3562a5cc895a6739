#!/usr/bin/env bash
# A cluster in $PGDATA when there is none: initdb, the database of POSTGRES_DB, and what lies in /docker-entrypoint-initdb.d,
# done by a server that listens on its Unix socket alone; then the server itself, as user postgres.
set -euo pipefail
case "${1:-}" in -*) set -- postgres "$@" ;; esac
[ "$1" = postgres ] || exec "$@"

if [ "$(id -u)" = 0 ]; then
  mkdir -p "$PGDATA"
  find "$PGDATA" \! -user postgres -exec chown postgres '{}' +
  chmod 0700 "$PGDATA"
  exec setpriv --reuid=postgres --regid=postgres --init-groups -- "$0" "$@"
fi

if [ ! -s "$PGDATA/PG_VERSION" ]; then
  user=${POSTGRES_USER:-postgres} database=${POSTGRES_DB:-${POSTGRES_USER:-postgres}}
  if [ -z "${POSTGRES_PASSWORD:-}" ] && [ "${POSTGRES_HOST_AUTH_METHOD:-}" != trust ]; then
    echo 'POSTGRES_PASSWORD is not set: the superuser must have a password' >&2
    exit 1
  fi
  # shellcheck disable=SC2086
  initdb --username="$user" --pwfile=<(printf '%s\n' "${POSTGRES_PASSWORD:-}") ${POSTGRES_INITDB_ARGS:-} >/dev/null
  printf '\nhost all all all %s\n' "${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}" >>"$PGDATA/pg_hba.conf"
  # With the settings of the server itself, and a password for what they let in only with one: as the official image does.
  export PGPASSWORD=${PGPASSWORD:-${POSTGRES_PASSWORD:-}}
  pg_ctl --wait --options="$(printf '%q ' "${@:2}") -c listen_addresses='' -p 5432" start >/dev/null
  sql=(psql -v ON_ERROR_STOP=1 --no-psqlrc --quiet --username "$user" --no-password)
  [ "$database" = postgres ] || "${sql[@]}" --dbname postgres --set db="$database" <<<'CREATE DATABASE :"db";'
  for file in /docker-entrypoint-initdb.d/*; do
    case "$file" in
      *.sql) "${sql[@]}" --dbname "$database" --file "$file" >/dev/null ;;
      *.sh) bash "$file" ;;
    esac
  done
  pg_ctl --mode=fast --wait stop >/dev/null
  unset PGPASSWORD
fi
exec "$@" -c listen_addresses='*'
