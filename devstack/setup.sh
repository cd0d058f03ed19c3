#!/usr/bin/env bash
# Makes .venv from requirements-dev.lock. Called by make when the lock changed; PYTHON names the interpreter.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}

need() { # what is missing, which package has it
    echo "$1: apt-get install $2" >&2
    exit 1
}

command -v "$python" >/dev/null || need "there is no $python" python3
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    need "$("$python" --version) is too old, 3.11 is needed (PYTHON=python3.11 make setup chooses another)" python3.11
"$python" -c 'import ensurepip, venv' 2>/dev/null || need "$python cannot make virtual environments" python3-venv

echo "making .venv from requirements-dev.lock (about a minute the first time)"
"$python" -m venv .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-dev.lock
touch .venv/locked
