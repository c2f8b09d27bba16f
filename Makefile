# The front door: make, make demo, make test. CMake does the work.

BUILD ?= build
PREFIX ?= /usr/local
JOBS ?= $(shell nproc)
SOURCES = $(wildcard src/*/*.[ch] tests/*.h tests/*/*.[ch] include/*/*.h bench/*.[ch] examples/*.c)

all: ## build $(BUILD)/mopo and the library
	@cmake -S . -B $(BUILD) -DCMAKE_BUILD_TYPE=Release || { scripts/deps.sh --list; exit 1; }
	@cmake --build $(BUILD) -j $(JOBS)

deps: ## install what the build needs (apt)
	@scripts/deps.sh

demo: deps ## learn to hop from a small recorded batch
	@cmake -S . -B $(BUILD) -DCMAKE_BUILD_TYPE=Release
	@cmake --build $(BUILD) -j $(JOBS) --target mopo_program
	@scripts/demo.sh

test: deps ## build and run every test
	@$(MAKE) all
	@ctest --test-dir $(BUILD) --output-on-failure -j $(JOBS)

asan: deps ## the fast tests with address and undefined-behaviour sanitizers
	@cmake --preset asan
	@cmake --build --preset asan -j $(JOBS)
	@ctest --preset asan -j $(JOBS)

torture: all ## kill a run 200 times, let every allocation fail, mutate 4000 files, attack: minutes of each
	@cd $(BUILD)/tests && ./torture 200 && ./faults.memory long && ./data.mutated 4000
	@tests/cli/attack.sh $(BUILD)/mopo 200

soak: all ## train for an hour (SOAK seconds), watch memory and open files
	@scripts/soak.sh $(BUILD)/mopo $(or $(SOAK),3600)

install: all ## install to PREFIX (default /usr/local); DESTDIR is honoured
	@cmake --install $(BUILD) --prefix $(PREFIX)

format: ## clang-format on every source
	@clang-format -i $(SOURCES)

check-format:
	@clang-format --dry-run -Werror $(SOURCES)

clean:
	@cmake -E rm -rf $(BUILD) build-asan build-dev build-tsan build-valgrind build-coverage

help: ## print this
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' Makefile

.PHONY: all deps demo test asan torture soak install format check-format clean help
