ARG NODE_IMAGE=node:24-bookworm-slim

FROM ${NODE_IMAGE} AS packages
WORKDIR /app
COPY package.json package-lock.json ./
# sharp's binaries are optional packages, so those stay; Node is the image's own, and the emulator of DynamoDB is for tests.
# The optional peers stay too, as locked for development: a container traces without another build.
RUN npm ci --ignore-scripts --no-audit --no-fund \
 && mv node_modules/@opentelemetry /traces \
 && npm prune --omit=dev --ignore-scripts --no-audit --no-fund \
 && cp -r /traces/. node_modules/@opentelemetry \
 && rm -rf node_modules/node-linux-* node_modules/node-win-* node_modules/.bin/node node_modules/@dynoxide

FROM ${NODE_IMAGE}
# Two arenas: 20-30 % less memory at the same speed; libvips allocates from many threads.
ENV NODE_ENV=production MALLOC_ARENA_MAX=2 DATA_DIR=/data
# What Node has compiled when the image was built: half of the CPU of a start, two thirds of that of a render process. For
# the user that runs it, whose number Node puts to it, and on processors that can do the same; elsewhere all is as without.
ENV NODE_COMPILE_CACHE=/app/node_modules/.cache/rendition
# Nobody reaches a container by loopback, so that an API without tokens would answer nobody: it makes one.
ENV API_TOKEN_FILE=/data/api.token
WORKDIR /app
COPY --from=packages /app/node_modules node_modules
COPY package.json ./
COPY server server
COPY warmer warmer
RUN mkdir node_modules/.cache && chown node:node node_modules/.cache
USER node
RUN node server/cli/compile-ahead.ts
USER root
# Nothing that runs may change what others will run.
RUN chown -R root:root node_modules/.cache && chmod -R a+rX node_modules/.cache
RUN mkdir /data && chown node:node /data
# Fargate gives an empty volume to root alone, unless the image declares it: then it takes the rights that it has here.
VOLUME /data /tmp
USER node
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT ?? 8080}/healthz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# The warmer is the same image with `node warmer/main.ts`.
CMD ["node", "server/main.ts"]
