# mien: `make demo` reads faces with the shipped model, `make test` checks everything. Both set up what they need
# (Python 3.11 or newer with pip) in .venv/, and only when something it depends on has changed.

# The first Python that is new enough; looked for only when an environment is made.
PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && exit; done; echo python3)
DEMO ?= demo-output

BASE := .venv/base
DEV := .venv/dev
TOOLS := .venv/tools
UV := $(TOOLS)/bin/uv
INSTALL = $(UV) pip install --quiet --no-deps --build-constraints requirements/tools.txt --python $(1) --editable .
VENDOR := src/mien/web/static/vendor
export UV_PYTHON_DOWNLOADS := never
export UV_NO_CONFIG := 1
# Compiled modules are kept, also where an image says no: the tests start hundreds of processes, and compiling what
# one of them imports takes longer than all that it does.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test lint format types imports unit base-check docs checksums picture web-assets lock bench clean
.DELETE_ON_ERROR:
.NOTPARALLEL:

help: ## say what there is to make
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

demo: $(BASE)/.ready ## read the faces of three pictures: table here, pictures and JSON in demo-output/
	@$(BASE)/bin/mien predict src/mien/assets/*.jpg --annotated $(DEMO) --output $(DEMO)/readings.json

test: lint types imports base-check unit ## run every check (what CI runs)

lint: $(DEV)/.ready ## rules and layout of the code
	@$(DEV)/bin/ruff check .
	@$(DEV)/bin/ruff format --check .

format: $(DEV)/.ready ## lay the code out
	@$(DEV)/bin/ruff check --fix --select I .
	@$(DEV)/bin/ruff format .

types: $(DEV)/.ready ## check the types
	@$(DEV)/bin/mypy

imports: $(DEV)/.ready ## check that imports go one way
	@$(DEV)/bin/lint-imports

unit: $(DEV)/.ready ## run the tests
	@OMP_NUM_THREADS=1 $(DEV)/bin/pytest -q --numprocesses auto --dist worksteal $(TESTS)

base-check: $(BASE)/.ready ## check that the base dependencies are enough to predict
	@$(BASE)/bin/python scripts/check_base.py

docs: $(DEV)/.ready ## write docs/reference.md from the verbs, tables and recipes
	@$(DEV)/bin/python scripts/reference.py

checksums: $(BASE)/.ready ## write the digests of the model files that ship, after a change of one
	@$(BASE)/bin/python scripts/checksums.py

picture: $(BASE)/.ready ## draw the picture at the top of the README
	@$(BASE)/bin/mien predict src/mien/assets/group.jpg --annotated docs/images

web-assets: $(VENDOR)/ort.wasm.bundle.min.mjs ## what the web page needs to read pictures in the browser (needs npm)

lock: $(UV) ## compile requirements/*.txt from pyproject.toml; UPGRADE=1 renews the versions
	@UV=$(UV) bash scripts/lock.sh

bench: $(BASE)/.ready ## measure the size of a fresh base installation
	@$(BASE)/bin/python benchmarks/install_size.py

clean: ## delete the environments and everything that was made
	rm -rf .venv $(DEMO) dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find src tests benchmarks scripts -name __pycache__ -type d -prune -exec rm -rf {} +

# Two files of ONNX Runtime Web, at the version pinned in scripts/web; node_modules is not needed afterwards.
$(VENDOR)/ort.wasm.bundle.min.mjs: scripts/web/package-lock.json
	@cd scripts/web && npm ci --silent
	@mkdir -p $(VENDOR)
	@cp scripts/web/node_modules/onnxruntime-web/package.json $(VENDOR)/
	@cp scripts/web/node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm $(VENDOR)/
	@cp scripts/web/node_modules/onnxruntime-web/dist/ort.wasm.bundle.min.mjs $(VENDOR)/
	@rm -rf scripts/web/node_modules
	@touch $@

# pip's --target works without the venv module, as any user, and on systems whose Python is managed by the distribution.
$(UV): requirements/tools.txt
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "mien needs Python 3.11 or newer, \
	this is " + sys.version.split()[0] + ": make PYTHON=/path/to/python3.11")'
	@echo "setting up .venv/ (once)" >&2
	@rm -rf $(TOOLS)
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --root-user-action ignore --require-hashes --target $(TOOLS) -r requirements/tools.txt
	@touch $@

$(BASE)/.ready: requirements/base.txt pyproject.toml $(UV)
	@$(UV) venv --quiet --allow-existing --python $(PYTHON) $(BASE)
	@$(UV) pip sync --quiet --require-hashes --python $(BASE) requirements/base.txt
	@$(call INSTALL,$(BASE))
	@touch $@

$(DEV)/.ready: requirements/dev.txt pyproject.toml $(UV)
	@$(UV) venv --quiet --allow-existing --python $(PYTHON) $(DEV)
	@$(UV) pip sync --quiet --require-hashes --python $(DEV) requirements/dev.txt
	@$(call INSTALL,$(DEV))
	@touch $@
