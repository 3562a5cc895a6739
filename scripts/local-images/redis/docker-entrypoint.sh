#!/bin/sh
# The server as user redis, who then owns its data folder; anything else as it was asked for.
set -e
case "${1:-}" in -*|*.conf) set -- redis-server "$@" ;; esac
if [ "$1" = redis-server ] && [ "$(id -u)" = 0 ]; then
  find . \! -user redis -exec chown redis:redis '{}' +
  exec setpriv --reuid=redis --regid=redis --clear-groups -- "$@"
fi
exec "$@"
