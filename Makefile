# Everything a newcomer needs: a Python 3.10 or newer with its venv module, and make. No root, nothing installed by hand.
#
#   make demo    a real event through a workflow, an action and the real misp-modules, to a local receiver
#   make test    lint, types, import directions, all tests; WORKERS=5 at once
#   make test-quick   the pure rooms with fewer examples, in about a minute; ROOMS=tests/lists: what you work at
#   make lint    lint, format, types and import directions only; make format mends what can be mended
#   make coverage     what no test runs, branch by branch; ROOMS=tests/guard for some of them
#   make mutants      what no test would miss: mutmut changes the code here and there; FILE=a file ROOMS=its tests
#   make docs    the pages as a site with a search, in build/site
#   make serve   misp-modules with the pack, for a MISP to use; PORT=6666 LISTEN=127.0.0.1
#   make wheel   the wheel and the source distribution, in dist
#   make bench   the measurements of docs, on this machine
#   make clean   takes away what was made here, the environment too
#
# Another Python: make test PYTHON=python3.12

PYTHON ?= python3
PORT ?= 6666
# For two cores, of which four workers leave some unused: half of the workers begin with the tests that wait for servers and brokers (tests/order.py).
WORKERS ?= 5
ROOMS ?=
PURE := $(addprefix tests/,action conformance guard hashpath settings)
TESTS := -n $(WORKERS) --dist worksteal
LISTEN ?= 127.0.0.1
VENV := .venv
BIN := $(VENV)/bin
VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
# One stamp per Python version: asking for another one makes the environment anew.
STAMP := $(VENV)/.ready-$(VERSION)

.PHONY: help install demo docs test test-quick coverage mutants lint format serve bench wheel clean python-is-fit
.DEFAULT_GOAL := help
# Without compiled modules each start of Python would compile all that it needs, and pytest all of hypothesis.
unexport PYTHONDONTWRITEBYTECODE

help:
	@sed -n 's/^#   //p' Makefile

install: $(STAMP)

# The pack goes in editable, so that what is tested and served is what stands in this folder.
$(STAMP): pyproject.toml setup.py | python-is-fit
	@echo "Installing the pack, misp-modules and the test tools into $(VENV) (a minute or two the first time) …"
	@test -f $@ || $(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@

python-is-fit:
	@$(PYTHON) -c '' 2>/dev/null || { echo "There is no '$(PYTHON)' here. Install Python 3.10 or newer, or name one: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "$(PYTHON) is Python $(VERSION), the pack needs 3.10 or newer. Name another one: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "$(PYTHON) has no venv module. On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }

demo: $(STAMP)
	@$(BIN)/python examples/demo.py

docs: $(STAMP)
	@$(BIN)/python -c 'import furo, myst_parser, sphinx' 2>/dev/null || $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[docs]'
	@$(BIN)/sphinx-build -q -W --keep-going -n -b html docs build/site
	@echo "build/site/index.html"

# What lint finds wrong is shown when it has found it, beside the tests' dots, and fails the whole; a variable calls it,
# because `make -n` runs every line in which MAKE itself stands, and with it all tests.
LINT = $(MAKE) --no-print-directory lint
test: $(STAMP)
	@lint() { said=$$($(LINT) 2>&1) || { printf '\n%s\n' "$$said"; return 1; }; }; \
	lint & lint=$$!; \
	$(BIN)/python -m pytest $(TESTS) $(ROOMS); tested=$$?; \
	wait $$lint || { echo "make lint found what is said above."; exit 1; }; \
	exit $$tested

test-quick: $(STAMP)
	@$(BIN)/ruff check --quiet .
	@$(BIN)/python -m pytest --quiet $(TESTS) --hypothesis-profile quick $(or $(ROOMS),$(PURE))

coverage: $(STAMP)
	@$(BIN)/python -c 'import coverage' 2>/dev/null || $(BIN)/python -m pip install --quiet --disable-pip-version-check 'coverage>=7.10'
	@$(BIN)/python -m coverage run -m pytest --quiet $(TESTS) $(ROOMS)
	@$(BIN)/python -m coverage combine --quiet
	@$(BIN)/python -m coverage report

# Nothing but FILE is changed and nothing but its own tests run, in a folder made for it: all of either takes hours. Tests
# that measure, or go as deep as Python does, fail or last where each call is three: they are left out.
# mutmut knows pytest up to 9.0: this takes an older one until `make clean`.
MUTANTS := build/mutants
SLOW ?= cost or takes_no_longer or for_ever or as_deep
mutants: $(STAMP)
	@test -f '$(FILE)' -a -n '$(ROOMS)' || { echo "Name a file and its tests: make mutants FILE=misp_workflow/delivery/retry.py ROOMS=tests/delivery/test_retry.py"; exit 1; }
	@$(BIN)/python -c 'import mutmut' 2>/dev/null || $(BIN)/python -m pip install --quiet --disable-pip-version-check 'mutmut>=3.7,<4' 'pytest<9.1'
	@rm -rf $(MUTANTS) && mkdir -p $(MUTANTS) && ln -s $(addprefix $(CURDIR)/,misp_workflow misp_modules tests pyproject.toml) $(MUTANTS)
	@{ echo '[mutmut]'; echo 'source_paths = misp_workflow'; echo 'also_copy = misp_modules'; echo 'only_mutate = $(FILE)'; \
		echo 'timeout_multiplier = 4'; echo 'pytest_add_cli_args_test_selection ='; printf '    %s\n' $(ROOMS); \
		echo 'pytest_add_cli_args ='; printf '    %s\n' --hypothesis-profile mutants --assert=plain -p no:xdist -p no:cacheprovider \
		-k 'not ($(SLOW))'; } > $(MUTANTS)/setup.cfg
	@cd $(MUTANTS) && $(CURDIR)/$(BIN)/mutmut run --max-children $(WORKERS)
	@cd $(MUTANTS) && $(CURDIR)/$(BIN)/mutmut results | grep : || echo "Every change of $(FILE) is noticed."

lint: $(STAMP)
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check . || { echo "Not formatted as the house does it; 'make format' mends it."; exit 1; }
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(STAMP)
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

serve: $(STAMP)
	@$(BIN)/python -c 'import socket; socket.create_server(("$(LISTEN)", $(PORT)), family=socket.AF_INET6 if ":" in "$(LISTEN)" else socket.AF_INET)' 2>/dev/null || { echo "Nothing can listen on $(LISTEN), port $(PORT): another program does already, or may not. Choose another port: make serve PORT=6667"; exit 1; }
	@echo "misp-modules with the pack on http://$(LISTEN):$(PORT). Stop it with Ctrl-C."
	@exec $(BIN)/misp-modules -l $(LISTEN) -p $(PORT) -c $(CURDIR)/misp_modules/modules

bench: $(STAMP)
	@set -e; for file in bench/*.py; do \
		test -e "$$file" || { echo "There is no benchmark yet."; break; }; \
		echo "== $$file"; $(BIN)/python "$$file"; \
	done

wheel: $(STAMP)
	@$(BIN)/python -m build --outdir dist .

clean:
	rm -rf $(VENV) build dist mutants *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
