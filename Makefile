# The front door. `make help` lists what there is; on a machine with Python 3.11 or newer, everything else comes by itself.

PYTHON ?= python3
BIN := .venv/bin
OUT ?= out
SOURCES := $(shell find cdk functions -name '*.py' -o -name '*.css') cdk.json functions/requirements.txt
export JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION := 1

.DEFAULT_GOAL := help
.PHONY: help setup synth run up watch plan cost test check format lock deploy destroy bench clean

help: ## List the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 10

setup: .venv/ready ## Make the virtual environment from the locked dependencies

.venv/ready: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit("Image Mirror needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Try make PYTHON=python3.12 …" if sys.version_info < (3, 11) else 0)'
	@echo "Setting up a virtual environment from the locked dependencies (once)"
	@$(PYTHON) -m venv --clear .venv
	@sed -n '/^uv==/,/[^\\]$$/p' requirements.txt > .venv/uv.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement .venv/uv.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --requirement requirements.txt \
		|| $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.txt
	@touch $@

cdk.out/ready: .venv/ready $(SOURCES)
	@echo "Synthesizing the stack"
	@$(BIN)/python -m cdk.app
	@touch $@

synth: cdk.out/ready ## Synthesize the stack and bundle the functions into cdk.out

run: cdk.out/ready ## Mirror a manifest on this machine: [MANIFEST=f] [OUT=out] [ALLOW=cidr,…] [OPTIONS="name=value …"]
	@$(BIN)/python -m local.commands run --manifest "$(MANIFEST)" --out "$(OUT)" --allow "$(ALLOW)" --options "$(OPTIONS)"

up: cdk.out/ready ## Keep the embedded AWS running in the foreground: [OUT=out] [ALLOW=cidr,…]
	@exec $(BIN)/python -m local.commands up --out "$(OUT)" --allow "$(ALLOW)"

watch: .venv/ready ## Follow a run of `make up`, else of your AWS account: [RUN=name, else the latest] [OUT=out]
	@$(BIN)/python -m local.commands watch --run "$(RUN)" --out "$(OUT)"

plan: .venv/ready ## Say what a run of a manifest would be, and fetch nothing: MANIFEST=f [OPTIONS="name=value …"]
	@$(BIN)/python -m local.commands plan --manifest "$(MANIFEST)" --options "$(OPTIONS)"

cost: .venv/ready ## Say what a run would cost, by what: [IMAGES=n] [SIZE_KB=n] [LATENCY_MS=n] [HOSTS=n] [BATCH_SIZE=n] …
	@$(BIN)/python -m local.commands.cost --images="$(IMAGES)" --size-kb="$(SIZE_KB)" --latency-ms="$(LATENCY_MS)" \
		--hosts="$(HOSTS)" --memory-mb="$(MEMORY_MB)" --batch-size="$(BATCH_SIZE)" --concurrency="$(CONCURRENCY)" \
		--per-host="$(PER_HOST)" --max-concurrency="$(MAX_CONCURRENCY)" --storage-class="$(STORAGE_CLASS)"

test: cdk.out/ready ## Run the whole test suite
	@$(BIN)/python -m pytest -n 2 --dist loadfile

check: .venv/ready ## Lint, type-check, and hold the template against cfn-lint and cdk-nag
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/python -m cdk.check

format: .venv/ready ## Put the code into its one format
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lock: .venv/ready ## Resolve pyproject.toml's groups into the two locks, by version and hash
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --group dev -o requirements.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --group functions \
		--constraint requirements.txt -o functions/requirements.txt
	@for other in img2dataset scrapy; do \
		$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --group $$other -o bench/contenders/$$other.txt; \
	done

deploy: cdk.out/ready ## Deploy to the AWS account of your credentials
	@$(BIN)/python -m cdk.cli deploy

destroy: cdk.out/ready ## Delete the deployed stack (not the input bucket, unless the settings say so)
	@$(BIN)/python -m cdk.cli destroy

bench: cdk.out/ready ## Measure against img2dataset, Scrapy and what you would write yourself, side by side (some 8 minutes)
	@$(BIN)/python -m bench

clean: ## Remove what make has made, also OUT
	@rm -rf .venv cdk.out "$(OUT)" .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
