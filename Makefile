# `make help` lists the targets. They need Python 3.11 or newer; everything else is installed into .venv.

# Values go to the program as they were written: make does not expand them and no shell sees them. This comes before any
# $(shell), which in some versions of make expands all variables of the command line.
VALUES := MANIFEST OUT ALLOW OPTIONS RUN IMAGES SIZE_KB LATENCY_MS HOSTS URL_BYTES MEMORY_MB
# Taken from the command line of make alone: other programs have environment variables of these names.
FLAGS := PORT CONCURRENCY PER_HOST HOST_CONCURRENCY HOST_RATE MAX_CONCURRENCY BATCH_SIZE BASE_URL URL_COLUMN SPLIT_URLS OWN_COLUMNS KEY_TEMPLATE ON_EXISTING MAX_BYTES TIMEOUT ROUNDS PASSES MAX_REDIRECTS ALLOWED_TYPES ACCEPT_TRUNCATED \
	MIN_WIDTH MIN_HEIGHT KNOWN_BAD VERIFY_TLS RESPECT RESPECT_OPT_OUT ROBOTS OUTPUT TABLE STORAGE_CLASS TOLERATED_FAILURE_PERCENTAGE PROBE PROBE_SEED HEADERS USER_AGENT \
	LAMBDA_CONCURRENCY ENVIRONMENTS S3_REQUESTS_PER_SECOND WRITE_CAPACITY READ_CAPACITY ASYNC_RETRY_SECONDS PASS_SECONDS
# The same, for the commands that use an AWS account.
ACCOUNT_FLAGS := SETTINGS STACK_NAME
# The same, for the measurement of the tests. They are no options of the command line.
TEST_FLAGS := MUTANTS SEED
GIVEN := $(foreach name,$(.VARIABLES),$(if $(filter command,$(origin $(name))),$(name)))
PASSED := $(filter $(FLAGS) $(ACCOUNT_FLAGS) $(TEST_FLAGS),$(GIVEN)) $(foreach name,$(VALUES),$(if $(filter-out undefined,$(origin $(name))),$(name)))
UNKNOWN := $(filter-out $(VALUES) $(FLAGS) $(ACCOUNT_FLAGS) $(TEST_FLAGS) PYTHON SHELL,$(GIVEN))
$(foreach name,$(PASSED) $(UNKNOWN),$(eval override $(name) := $$(value $(name))))
$(foreach name,$(PASSED),$(eval export IMAGE_MIRROR_$(name) := $$($(name))))

PYTHON ?= python3
BIN := .venv/bin
SOURCES := $(shell find cdk functions -type f -not -name '*.pyc') cdk.json
export JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION := 1
unexport PYTHONDONTWRITEBYTECODE # without bytecode each process compiles all that it imports: moto takes three seconds

SIMILAR := import difflib, sys; print(*difflib.get_close_matches(sys.argv[1].upper(), sys.argv[2:], 1))
quoted = '$(subst ','\'',$(1))'
similar = $(shell $(PYTHON) -c '$(SIMILAR)' $(call quoted,$(1)) $(VALUES) $(FLAGS) $(ACCOUNT_FLAGS) $(TEST_FLAGS))
hint = $(if $(1),did you mean $(1)?,`make help` lists the variables)
ifeq ($(MAKELEVEL),0) # another makefile passes on variables of its own
$(foreach name,$(firstword $(UNKNOWN)),$(error There is no variable $(name) ($(call hint,$(call similar,$(name))))))
endif

.DEFAULT_GOAL := help
.PHONY: help setup synth run probe up watch console plan index cost test permissions check lint types collect format lock bootstrap deploy verify destroy bench bench-rate-limit bench-fleet mutation second-opinions clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 17

setup: .venv/dev ## Make the virtual environment with everything that run, test, check and bench need

# Two locks: requirements/local.txt is what a run needs, requirements/dev.txt adds what tests, checks and measures it.
INSTALL = $(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --requirement $(1) \
	|| { echo "uv has failed, see above. Trying pip, which takes some minutes"; \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement $(1); }

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

run: ## Mirror a manifest on this machine: [MANIFEST=f] [OUT=out] [ALLOW=cidr,...] [OPTIONS="name=value ..."]
	@./image-mirror run

probe: ## Estimate a run by a random sample of the manifest; no image is kept: MANIFEST=f [PROBE=300] [OUT=out/probe] [ALLOW=cidr,...]
	@./image-mirror probe

up: ## Run the local AWS in the foreground until Ctrl-C: [OUT=out] [ALLOW=cidr,...] [PORT=4566]
	@exec ./image-mirror up

watch: ## Follow a run of `make up`, otherwise of your AWS account: [RUN=id, default the latest] [OUT=out] [STACK_NAME=name]
	@./image-mirror watch

console: ## Show runs and images in a browser: those of `make up`, otherwise of your AWS account: [PORT=4567] [OUT=out] [STACK_NAME=name]
	@exec ./image-mirror console

plan: ## Estimate a run and check its manifest; nothing is fetched: MANIFEST=f [OPTIONS="name=value ..."]
	@./image-mirror plan

index: ## Make the index of a run again: RUN=id [OUT=out] [STACK_NAME=name]
	@./image-mirror index

cost: ## Estimate the time and the cost of a run: [IMAGES=n] [SIZE_KB=n] [LATENCY_MS=n] [HOSTS=n] [BATCH_SIZE=n] ...
	@./image-mirror cost

test: cdk.out/ready .venv/dev ## Run the whole test suite
	@$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

permissions: cdk.out/ready .venv/dev ## Record which test needs which grant, and rerun it without the grant (about an hour)
	@$(BIN)/python -m tests.permissions record
	@$(BIN)/python -m tests.permissions remove

check: lint types ## Run the linters, the type checker, cfn-lint, cdk-nag and asl-validator

lint: .venv/dev
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/python -m cdk.check

types: .venv/dev
	@$(BIN)/mypy

collect: .venv/dev # the workers of `make test` would otherwise compile all tests at the same time
	@$(BIN)/python -m pytest --collect-only -qqq > .venv/collected || { cat .venv/collected; exit 1; }

format: .venv/dev ## Format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header

NODE_LOCKS := requirements/node/aws-cdk requirements/node/asl-validator requirements/node/axe-core requirements/second-opinions/dynalite

lock: .venv/local ## Resolve pyproject.toml and the package.json files into the locks (versions and hashes)
	@$(LOCK) --group dev -o requirements/dev.txt
	@$(LOCK) --group local --constraint requirements/dev.txt -o requirements/local.txt
	@$(LOCK) --group parquet --constraint requirements/dev.txt -o requirements/parquet.txt
	@$(LOCK) --group index --constraint requirements/dev.txt -o requirements/index.txt
	@$(LOCK) --group functions --constraint requirements/dev.txt -o functions/requirements.txt
	@for other in img2dataset scrapy; do $(LOCK) --group $$other -o bench/contenders/$$other.txt; done
	@for other in ministack seaweedfs; do $(LOCK) --group $$other -o requirements/second-opinions/$$other.txt; done
	@$(BIN)/python -m cdk.node $(NODE_LOCKS)

bootstrap: ## Prepare the AWS account and the Region of your credentials for the CDK (once)
	@./image-mirror bootstrap

deploy: ## Deploy to the AWS account of your credentials: [STACK_NAME=name] [SETTINGS="name=value ..."]
	@./image-mirror deploy

verify: ## Check the stack of `make up ALLOW=127.0.0.1`, otherwise the deployed one, with runs of its own: [OUT=out] [STACK_NAME=name]
	@./image-mirror verify

destroy: ## Delete the deployed stack (the input bucket is kept unless a setting says otherwise): [STACK_NAME=name]
	@./image-mirror destroy

bench: cdk.out/ready .venv/dev ## Measure against img2dataset, Scrapy and a requests + boto3 pool, side by side (about 8 minutes)
	@$(BIN)/python -m bench

bench-rate-limit: .venv/dev ## Measure how long 200 images of a rate-limited host take, relative to the ideal time (45 seconds)
	@$(BIN)/python -m bench.measures.batch_limits rate-limit

bench-fleet: cdk.out/ready .venv/dev ## Measure the limits of hosts over many runs at once, with failing and killed parts (20 minutes)
	@$(BIN)/python -m bench.fleet

mutation: .venv/dev ## Measure the tests: how many small faults they find (15 minutes): [MUTANTS=100] [SEED=n]
	@$(BIN)/python -m tests.mutation

second-opinions: cdk.out/ready .venv/dev ## Test our clients, the local AWS and the stack with SeaweedFS, dynalite and ministack
	@$(BIN)/python -m pytest tests/second_opinions --record

clean: ## Remove what make created; OUT with your images stays
	@rm -rf .venv cdk.out cdk.deploy .mypy_cache .ruff_cache .hypothesis
	@find bench cdk docs functions local tests -name __pycache__ -type d -prune -exec rm -rf {} +
