# Short commands on top of devstack/ and .venv; `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
RUN := .venv/bin/python -m
# Keep the output of parallel targets together, where this make supports it.
BY_TARGET := $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)
COMPILE := uv pip compile --quiet --no-header --generate-hashes --universal --python-version 3.11

.PHONY: help setup up down status token demo check static test unit web integration e2e e2e-cluster bench chaos lock format clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/locked ## Create .venv from requirements-dev.lock, unless it is up to date

.venv/locked: requirements-dev.lock devstack/setup.sh
	@PYTHON=$(PYTHON) devstack/setup.sh

up: setup ## Start the local stack and wait until it serves [SCALE=0.1 CLUSTER=kind]
	@$(RUN) devstack up $(if $(SCALE),--scale $(SCALE))

down: setup ## Stop the local stack and keep its data
	@$(RUN) devstack down

status: setup ## Show what runs
	@$(RUN) devstack status

token: setup ## Print a bearer token [USER=u LIMIT=uploads-per-hour ADMIN=1]
	@$(RUN) devstack token --user "$(or $(USER),user)" $(if $(LIMIT),--limit $(LIMIT)) $(if $(ADMIN),--admin)

demo: up ## Upload a real video and watch it become a stream [FILE=clip.mp4]
	@$(RUN) devstack.demo $(if $(FILE),--file "$(FILE)")

# In parallel: static checks and unit tests take about half a minute and one core each.
check: setup ## Check format, lint, types and import contracts, and run the unit tests; offline
	@$(MAKE) --no-print-directory --jobs=2 $(BY_TARGET) static unit $(if $(wildcard webui/node_modules/.installed),web)

static: setup ## Check format, lint, types and import contracts
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/mypy webapi/server/gunicorn.conf.py
	.venv/bin/lint-imports

test: check web integration e2e ## Run all checks and tests

unit: setup ## Run the unit tests
	$(RUN) pytest tests/unit --numprocesses=2 --dist=worksteal

web: setup ## Check types and run the tests of the page and the TypeScript client; needs Node
	@$(RUN) devstack.page

# Each process has servers, or a whole stack, of its own, started at their first use.
integration: setup ## Run the tests against real servers
	$(RUN) pytest tests/integration --numprocesses=2 --dist=loadfile

e2e: setup web ## Run the tests against a whole stack
	$(RUN) pytest tests/e2e --ignore=tests/e2e/cluster --numprocesses=2 --dist=loadfile

e2e-cluster: setup ## Run the tests of the service in pods, as root on Debian, or with Docker [CLUSTER=kind]
	$(RUN) pytest tests/e2e/cluster --timeout=3600

bench: setup ## Measure beside the peer and write docs/benchmarks.md [QUICK=1 NAME=row]
	@$(RUN) bench $(if $(QUICK),--quick) $(NAME)

chaos: setup ## Run uploads under faults and judge how they end [SEED=1 SEEDS=1 N=200]; docs/chaos.md
	@$(RUN) chaos --seed $(or $(SEED),1) --seeds $(or $(SEEDS),1) --uploads $(or $(N),200)

lock: ## Resolve the dependencies again; needs uv and npm
	$(COMPILE) pyproject.toml --output-file requirements.lock
	$(COMPILE) pyproject.toml --group dev --constraint requirements.lock --output-file requirements-dev.lock
	for directory in clients/typescript webui; do (cd $$directory && npm install --package-lock-only --ignore-scripts \
	  && node $(CURDIR)/webui/tools/without-hosts.mjs) || exit 1; done

format: setup ## Format the code and apply automatic fixes
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

clean: down ## Stop the local stack and delete its data
	rm -rf .local
