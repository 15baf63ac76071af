# Every target sets up what it needs; the environment lives in $(VENV).
PYTHON ?= python3
VENV ?= .venv
WORKERS ?= auto
LADDER ?= quick
RESULTS ?= results

SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c

BIN := $(abspath $(VENV))/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help benchmark ladder test test-all check interop pages docs data clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /: /' | column -t -s :

# torch first: resolved alone and pinned, it cannot bring a build meant for other hardware. Modules
# are translated on all cores, where pip would use one; some files of packages are no modules.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -qq --no-compile torch -c constraints.txt
	$(BIN)/python -m pip install -qq --no-compile -e '.[all,dev,docs]' -c constraints.txt
	$(BIN)/python -m compileall -qq -j 0 $(VENV)/lib || true
	touch $@

benchmark: $(READY)  ## compare the agents; writes results/
	$(BIN)/recsim-env benchmark

ladder: $(READY)  ## compare a few agents over scenarios (LADDER=ladder compares all, for hours)
	$(BIN)/recsim-env benchmark --config docs/results/ladder/$(LADDER).toml --out $(RESULTS)/$(LADDER)

# One numerical thread for each worker: more of them only wait for each other. A file stays in one
# worker: what its tests compile or play serves the next, and no other compiles it meanwhile. Files
# are handed out in the order of tests/conftest.py. A test that waits for what never comes fails,
# and says where it waits.
PYTEST = OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile \
    --no-loadscope-reorder --timeout 600

test: $(READY)  ## run the tests that a change needs at once, on all cores
	$(PYTEST) -m "not (published or learns or processes or slow)"

test-all: $(READY)  ## run all tests but those that take minutes each
	$(PYTEST) -m "not slow"

check: $(READY)  ## format, lint, types, layers, wheel
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy | sed -E 's,^recsim_env/(agents|plots|scenarios)/,\1/,'
	$(BIN)/lint-imports
	rm -rf dist build/lib build/bdist.*
	$(BIN)/python -m build
	$(BIN)/check-wheel-contents dist
	@scratch=$$(mktemp -d) && trap 'rm -rf "$$scratch"' EXIT && \
	$(BIN)/python -m pip install -qq --no-deps --target "$$scratch" dist/*.whl && \
	cd "$$scratch" && PYTHONPATH="$$scratch" $(BIN)/python -W error -c "import gymnasium, recsim_env; \
	assert recsim_env.__file__.startswith('$$scratch'), recsim_env.__file__; \
	env = gymnasium.make('recsim_env/InterestEvolution-v0'); env.reset(seed=0); \
	env.step(env.action_space.sample()); print('the wheel works:', env.spec.id)"

interop: $(READY)  ## run the examples for other frameworks; writes the table of docs/interop.md
	$(BIN)/python examples/interop.py

pages: $(READY)  ## write docs/agents.md, docs/scenarios.md and the page of metrics from the code
	$(BIN)/recsim-env agents --page > docs/agents.md
	$(BIN)/recsim-env scenarios --page > docs/scenarios.md
	$(BIN)/recsim-env metrics --page > docs/understand/metrics.md

docs: $(READY)  ## build the website in build/docs/html; a broken link fails
	$(BIN)/python -m docs.website build/docs

data: $(READY)  ## fetch the logs of real people that some tests and kept results use
	$(BIN)/python -m recsim_env.data.movielens
	$(BIN)/python -m recsim_env.data.open_bandit
	$(BIN)/python -m recsim_env.data.named_logs inst-eval ta-feng

clean:  ## remove the environment, builds and caches; results and data stay
	rm -rf $(VENV) build dist *.egg-info .cache .coverage .mypy_cache .pytest_cache .ruff_cache .hypothesis \
	    .import_linter_cache
	find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +
