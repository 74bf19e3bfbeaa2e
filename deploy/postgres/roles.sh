#!/bin/sh
# Runs roles.sql with the passwords of the files deploy/secrets.sh makes. PGHOST, PGUSER and the rest say
# which server; SECRETS is the folder of the files, ADMIN_PASSWORD_FILE the administrator's own.
set -eu
secrets=${SECRETS:-/run/secrets}
if [ -n "${ADMIN_PASSWORD_FILE:-}" ]; then
  PGPASSWORD=$(cat "$ADMIN_PASSWORD_FILE")
  export PGPASSWORD
fi
{
  for service in admission discharge referral notification console; do
    printf "\\\\set %s_password '%s'\n" "$service" "$(cut -d: -f5- "$secrets/$service.pgpass")"
  done
  printf "\\\\set monitor_password '%s'\n" "$(cat "$secrets/monitor.password")"
  cat "$(dirname "$0")/roles.sql"
} | psql -X -q -v ON_ERROR_STOP=1 -d "${PGDATABASE:-handoff}" -f -
