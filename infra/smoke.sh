#!/bin/sh
# Whether a deployment answers: ./smoke.sh <cdn domain>
set -eu

host=$1

# expect <status> <path> [text in the body]
expect() {
  body=$(curl --silent --show-error --max-time 20 --retry 5 --retry-all-errors \
    --write-out '\n%{http_code}' "https://$host$2")
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
expect 404 '/img/smoke/none.jpg?w=100' image_not_found
expect 401 /api/images unauthorized
expect 404 /metrics
