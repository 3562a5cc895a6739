# The workload service of plimsoll: one process that executes the flows of a component for real.
# What it executes is mounted at /etc/plimsoll/service.json (`plimsoll generate` writes it). docs/compose.md
ARG NODE_IMAGE=node:20.19-trixie-slim

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /opt/plimsoll
# The lock file of a clone, or that of a published package.
COPY package.json package-lock.json* npm-shrinkwrap.json* ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund && npm cache clean --force

FROM ${NODE_IMAGE}
ARG VERSION=0.1.0
# What it was built from; `plimsoll` builds it again when that has changed.
ARG DIGEST=
LABEL org.opencontainers.image.title="plimsoll-service" \
      org.opencontainers.image.description="Executes the flows of a Plimsoll topology's service component" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.licenses="MIT" \
      dev.plimsoll.digest="${DIGEST}"
ENV NODE_ENV=production \
    PLIMSOLL_SERVICE=/etc/plimsoll/service.json \
    PORT=8080
WORKDIR /opt/plimsoll
COPY --from=dependencies /opt/plimsoll/node_modules ./node_modules
COPY package.json ./
COPY dist ./dist
# Owned by root, run by somebody who can change none of it.
USER node
EXPOSE 8080
# The process drains on SIGTERM: requests in hand are finished, new ones refused.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.PORT + '/readyz').then((r) => r.ok || Promise.reject(r.status))"]
ENTRYPOINT ["node", "--enable-source-maps", "/opt/plimsoll/dist/entries/service.js"]
