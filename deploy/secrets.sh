#!/bin/sh
# Makes what the services apart need to trust each other: passwords for PostgreSQL, NATS and Grafana, the key that
# messages are sealed under, and an authority with certificates for MLLP and the trial's mail sink. Files that exist
# are kept, so running it again adds only what is missing; to rotate a password, delete its file, run this, and
# `docker compose up -d --force-recreate`. Never delete message-keys: `handoff key rotate` puts a new key into it.
#
#   deploy/secrets.sh [DIR]        DIR is deploy/secrets by default
#
# The certificates are for a trial: in production mount ones of your own authority.
set -eu
umask 077
dir=${1:-$(dirname "$0")/secrets}
services="admission discharge referral notification console"
mkdir -p "$dir"

password() { LC_ALL=C tr -dc 'A-Za-z0-9' </dev/urandom | head -c 40; }
missing() { [ ! -s "$dir/$1" ] && echo "made $dir/$1"; }

for name in postgres monitor grafana; do
  if missing "$name.password"; then password >"$dir/$name.password"; fi
done
for service in $services; do
  # the format of PGPASSFILE: host:port:database:user:password
  if missing "$service.pgpass"; then echo "*:*:*:handoff_${service}_login:$(password)" >"$dir/$service.pgpass"; fi
done
for service in $services; do
  if missing "$service.nats.password"; then password >"$dir/$service.nats.password"; fi
done
for service in $services; do
  name=$(echo "$service" | tr a-z A-Z)
  echo "${name}_PASSWORD: \"$(cat "$dir/$service.nats.password")\""
done >"$dir/nats-passwords.conf"

# What messages are sealed under (docs/operate.md): the one file that a restored database cannot do without.
# Keep a copy of it elsewhere than the database's.
if missing message-keys; then head -c 32 /dev/urandom | base64 >"$dir/message-keys"; fi

# The console's client secret at your issuer goes in here; empty, the console is a public client with PKCE.
[ -e "$dir/oidc-client.secret" ] || : >"$dir/oidc-client.secret"

# An authority, the listener's certificate, and one hospital's: enough to send over mutual TLS.
if missing mllp-ca.pem; then
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 730 -subj "/CN=handoff trial authority" \
    -keyout "$dir/mllp-ca.key" -out "$dir/mllp-ca.pem" 2>/dev/null
fi
certificate() { # file, common name, usage, alternative name
  if missing "$1.pem"; then
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$2" -keyout "$dir/$1.key" -out "$dir/$1.csr" 2>/dev/null
    printf 'basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\nextendedKeyUsage=%s\nsubjectAltName=%s\n' "$3" "$4" >"$dir/$1.ext"
    openssl x509 -req -days 365 -in "$dir/$1.csr" -CA "$dir/mllp-ca.pem" -CAkey "$dir/mllp-ca.key" -CAcreateserial \
      -extfile "$dir/$1.ext" -out "$dir/$1.pem" 2>/dev/null
    rm -f "$dir/$1.csr" "$dir/$1.ext" "$dir/mllp-ca.srl"
  fi
}
certificate mllp-server admission serverAuth DNS:admission,DNS:localhost,IP:127.0.0.1
certificate mailpit mailpit serverAuth DNS:mailpit
certificate hospital trial-hospital clientAuth DNS:trial-hospital

# Containers read these as a user of their own; the folder itself stays closed to others.
chmod 700 "$dir"
chmod 644 "$dir"/*
chmod 600 "$dir/mllp-ca.key" "$dir/hospital.key"
