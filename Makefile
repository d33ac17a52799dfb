# The project's few words; `make` alone lists them.

PYTHON ?= python3
export PATH := $(CURDIR)/.venv/bin:$(PATH)
# Node 20 works; without these, jsii and the AWS SDK say at every call that it is old.
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION := 20
export AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED := true
# Bytecode is written when a module is first imported: that of all of aws_cdk would double the time of setup.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo test clean

help:
	@echo "make setup   create .venv, install the Python packages and the CDK command line"
	@echo "make demo    set up, then run the main workflow on the local AWS, end to end"
	@echo "make test    set up, then check the style and the types, and pass every test"
	@echo "make clean   stop the local AWS, and remove what setup and the commands have made"

setup: .venv/.installed node_modules/.installed

demo: setup
	@bash local/demo.sh

test: setup
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder  # long files of few tests not last

clean:
	@! test -x .venv/bin/python || .venv/bin/python -m local stop
	rm -rf .venv node_modules cdk.out .local-aws .estimate .mypy_cache .pytest_cache .ruff_cache

.venv/.installed: requirements.txt requirements-dev.txt constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "$(PYTHON) is missing or older than Python 3.11: install one, or name it: make setup PYTHON=python3.12" >&2; \
		exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) cannot make a virtual environment: on Debian and Ubuntu, apt install python3-venv" >&2; \
		exit 1; }
	@echo "Installing the Python packages into .venv (a minute or two, once) …"
	@.venv/bin/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --requirement requirements-dev.txt
	@touch $@

node_modules/.installed: package.json package-lock.json
	@node -e 'process.exit(parseInt(process.versions.node) >= 20 ? 0 : 1)' 2>/dev/null || { \
		echo "Node.js is missing or older than 20: install one from https://nodejs.org" >&2; exit 1; }
	@command -v npm >/dev/null || { echo "npm is missing: install it; it comes with Node.js" >&2; exit 1; }
	@echo "Installing the CDK command line into node_modules …"
	@npm ci --loglevel=error --no-update-notifier
	@touch $@
