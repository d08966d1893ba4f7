#!/bin/sh
# Whether a deployment answers as its stage should: ./smoke.sh <cdn domain> [whether URLs are signed: true or false]
set -eu

host=$1
signed=${2:-false}
# A test asks without TLS.
scheme=${SMOKE_SCHEME:-https}

# expect <status> <path> [text in the body]
expect() {
  body=$(curl --silent --show-error --max-time 20 --retry 5 --retry-all-errors \
    --write-out '\n%{http_code}' "$scheme://$host$2")
  status=$(printf '%s' "$body" | tail -n 1)
  [ "$status" = "$1" ] || { echo "$2: $status instead of $1"; exit 1; }
  case "$body" in
    *"${3:-}"*) echo "$2: $status" ;;
    *) echo "$2: no $3 in the answer"; exit 1 ;;
  esac
}

expect 200 /healthz
expect 200 /openapi.json '"openapi"'
expect 400 '/img/smoke/none.jpg?w=0' invalid_parameter
# A signing edge says nothing about what it was not shown a signature for.
if [ "$signed" = true ]; then expect 403 '/img/smoke/none.jpg?w=100' signature_required
else expect 404 '/img/smoke/none.jpg?w=100' image_not_found
fi
expect 401 /api/images unauthorized
expect 404 /metrics
