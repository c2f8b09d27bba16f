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

# A directory for each: what is packed is configured for where it will be.
PACK = -DCMAKE_BUILD_TYPE=Release -DMOPO_TESTS=OFF -DMUJOCO_DIR= --log-level=WARNING
HARD = -Wl,-z,relro,-z,now,--as-needed

deb: deps ## Debian packages in build-deb: mopo, libmopo0, libmopo-dev
	@scripts/deps.sh file
	@cmake -S . -B build-deb $(PACK) -DCMAKE_INSTALL_PREFIX=/usr -DZSH_PLACE=vendor-completions \
	  -DCMAKE_EXE_LINKER_FLAGS=$(HARD) -DCMAKE_SHARED_LINKER_FLAGS=$(HARD)
	@cmake --build build-deb -j $(JOBS)
	@cd build-deb && cpack && ls *.deb

dist: deps ## the program in a directory that runs wherever it is unpacked, packed (SIMULATOR=ON: with MuJoCo)
	@cmake -S . -B build-dist $(PACK) -DMOPO_BUNDLE=ON -DMOPO_SIMULATOR=$(or $(SIMULATOR),OFF)
	@cmake --build build-dist -j $(JOBS) --target mopo_program mopo_hdf5 manual
	@scripts/dist.sh build-dist

release-check: all ## may this commit be released: versions, changelog, nothing uncommitted
	@scripts/release_check.sh $(BUILD)/mopo

format: ## clang-format on every source
	@clang-format -i $(SOURCES)

check-format:
	@clang-format --dry-run -Werror $(SOURCES)

clean:
	@cmake -E rm -rf $(BUILD) build-asan build-dev build-tsan build-valgrind build-coverage build-deb build-dist

help: ## print this
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' Makefile

.PHONY: all deps demo test asan torture soak install deb dist release-check format check-format clean help
