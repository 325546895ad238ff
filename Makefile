# `make help` lists the targets. They need Python 3.11 or newer; everything else is installed into .venv.

PYTHON ?= python3
BIN := .venv/bin
OUT ?= out
SOURCES := $(shell find cdk functions -type f -not -name '*.pyc') cdk.json
export JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION := 1

.DEFAULT_GOAL := help
.PHONY: help setup synth run up watch plan cost test check format lock deploy destroy bench clean

help: ## List the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 10

setup: .venv/dev ## Make the virtual environment with everything that run, test, check and bench need

# Two locks: requirements/local.txt is what a run needs, requirements/dev.txt adds what tests, checks and measures it.
INSTALL = $(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --requirement $(1) \
	|| $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement $(1)

.venv/local: requirements/local.txt
	@$(PYTHON) -c 'import sys; sys.exit("Image Mirror needs Python 3.11 or newer; $(PYTHON) is " + sys.version.split()[0] + ". Name another one: make PYTHON=python3.12 ..." if sys.version_info < (3, 11) else 0)'
	@echo "Creating the virtual environment .venv (once)"
	@$(PYTHON) -m venv --clear .venv
	@sed -n '/^uv==/,/[^\\]$$/p' requirements/local.txt > .venv/uv.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement .venv/uv.txt
	@$(call INSTALL,requirements/local.txt)
	@touch $@

.venv/dev: .venv/local requirements/dev.txt
	@echo "Adding what tests, checks and measures it (once)"
	@$(call INSTALL,requirements/dev.txt)
	@touch $@

cdk.out/ready: .venv/local $(SOURCES)
	@echo "Synthesizing the stack"
	@$(BIN)/python -m cdk.app
	@touch $@

synth: cdk.out/ready ## Synthesize the stack and bundle the functions into cdk.out

run: cdk.out/ready ## Mirror a manifest on this machine: [MANIFEST=f] [OUT=out] [ALLOW=cidr,...] [OPTIONS="name=value ..."]
	@$(BIN)/python -m local.commands run --manifest "$(MANIFEST)" --out "$(OUT)" --allow "$(ALLOW)" --options "$(OPTIONS)"

up: cdk.out/ready ## Run the local AWS in the foreground until Ctrl-C: [OUT=out] [ALLOW=cidr,...]
	@exec $(BIN)/python -m local.commands up --out "$(OUT)" --allow "$(ALLOW)"

watch: .venv/local ## Follow a run of `make up`, otherwise of your AWS account: [RUN=id, default the latest] [OUT=out]
	@$(BIN)/python -m local.commands watch --run "$(RUN)" --out "$(OUT)"

plan: .venv/local ## Estimate a run and check its manifest; nothing is fetched: MANIFEST=f [OPTIONS="name=value ..."]
	@$(BIN)/python -m local.commands plan --manifest "$(MANIFEST)" --options "$(OPTIONS)"

cost: .venv/local ## Estimate the time and the cost of a run: [IMAGES=n] [SIZE_KB=n] [LATENCY_MS=n] [HOSTS=n] [BATCH_SIZE=n] ...
	@$(BIN)/python -m local.commands.cost --images="$(IMAGES)" --size-kb="$(SIZE_KB)" --latency-ms="$(LATENCY_MS)" \
		--hosts="$(HOSTS)" --memory-mb="$(MEMORY_MB)" --batch-size="$(BATCH_SIZE)" --concurrency="$(CONCURRENCY)" \
		--per-host="$(PER_HOST)" --max-concurrency="$(MAX_CONCURRENCY)" --storage-class="$(STORAGE_CLASS)"

test: cdk.out/ready .venv/dev ## Run the whole test suite
	@$(BIN)/python -m pytest -n 2 --dist loadfile

check: .venv/dev ## Run the linters, the type checker, cfn-lint and cdk-nag
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/python -m cdk.check

format: .venv/dev ## Format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header

lock: .venv/local ## Resolve the dependency groups of pyproject.toml into the locks (versions and hashes)
	@$(LOCK) --group dev -o requirements/dev.txt
	@$(LOCK) --group local --constraint requirements/dev.txt -o requirements/local.txt
	@$(LOCK) --group parquet --constraint requirements/dev.txt -o requirements/parquet.txt
	@$(LOCK) --group functions --constraint requirements/dev.txt -o functions/requirements.txt
	@for other in img2dataset scrapy; do $(LOCK) --group $$other -o bench/contenders/$$other.txt; done

deploy: cdk.out/ready ## Deploy to the AWS account of your credentials
	@$(BIN)/python -m cdk.cli deploy

destroy: cdk.out/ready ## Delete the deployed stack (the input bucket is kept unless a setting says otherwise)
	@$(BIN)/python -m cdk.cli destroy

bench: cdk.out/ready .venv/dev ## Measure against img2dataset, Scrapy and a requests + boto3 pool, side by side (about 8 minutes)
	@$(BIN)/python -m bench

clean: ## Remove everything that make created, OUT included
	@rm -rf .venv cdk.out "$(OUT)" .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
