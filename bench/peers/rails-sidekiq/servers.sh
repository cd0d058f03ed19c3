#!/bin/bash
# Starts and stops a PostgreSQL and a Redis of our own on the loopback address,
# for trying the application out: ./servers.sh up|down
# Durable as in production: PostgreSQL with its default settings (fsync on),
# Redis with an append-only file synced every second and no eviction.
set -euo pipefail
cd "$(dirname "$0")"

RUN_DIR="${RUN_DIR:-$PWD/run}"
PG_PORT="${PG_PORT:-5544}"
REDIS_PORT="${REDIS_PORT:-6390}"
PG_BIN=$(find /usr/lib/postgresql -maxdepth 2 -name bin | sort -V | tail -n 1)

# PostgreSQL refuses to run as root.
as_postgres() {
  if [ "$(id -u)" = 0 ]; then (cd / && runuser -u postgres -- "$@"); else "$@"; fi
}

up() {
  mkdir -p "$RUN_DIR/redis" "$RUN_DIR/postgres"
  if [ "$(id -u)" = 0 ]; then chown postgres: "$RUN_DIR/postgres"; fi
  if [ ! -e "$RUN_DIR/postgres/data/PG_VERSION" ]; then
    as_postgres "$PG_BIN/initdb" --pgdata "$RUN_DIR/postgres/data" --username postgres \
      --auth trust --encoding UTF8 --locale C >/dev/null
  fi
  as_postgres "$PG_BIN/pg_ctl" --pgdata "$RUN_DIR/postgres/data" --log "$RUN_DIR/postgres/log" --wait --silent \
    --options "-h 127.0.0.1 -p $PG_PORT -k ''" start
  redis-server --bind 127.0.0.1 --port "$REDIS_PORT" --dir "$RUN_DIR/redis" --pidfile "$RUN_DIR/redis/pid" \
    --logfile "$RUN_DIR/redis/log" --appendonly yes --save "" --maxmemory-policy noeviction --daemonize yes >/dev/null
  for _ in $(seq 100); do # it listens a moment after it went into the background
    if redis-cli -p "$REDIS_PORT" ping >/dev/null 2>&1; then break; fi
    sleep 0.1
  done
  redis-cli -p "$REDIS_PORT" ping >/dev/null
  echo "DATABASE_URL=postgresql://postgres@127.0.0.1:$PG_PORT/videos"
  echo "REDIS_URL=redis://127.0.0.1:$REDIS_PORT/0"
}

down() {
  if [ -e "$RUN_DIR/postgres/data/postmaster.pid" ]; then
    as_postgres "$PG_BIN/pg_ctl" --pgdata "$RUN_DIR/postgres/data" --mode fast --wait --silent stop
  fi
  if [ -e "$RUN_DIR/redis/pid" ]; then
    kill "$(cat "$RUN_DIR/redis/pid")"
    while [ -e "$RUN_DIR/redis/pid" ]; do sleep 0.1; done # Redis removes it as the last thing
  fi
}

case "${1:-}" in
  up) up ;;
  down) down ;;
  *) echo "usage: $0 up|down" >&2; exit 2 ;;
esac
