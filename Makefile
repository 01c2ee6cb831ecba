# Two commands do everything: `make demo` and `make test`. Both install what they need first.

SWIFT_FLAGS := -c release --explicit-target-dependency-import-check error
TAMIS := .build/release/tamis

.PHONY: demo test build setup setup-test format lint clean

demo: build ## Sets up, builds, runs the main job on samples/.
	scripts/demo

test: setup-test ## Sets up and runs every test.
	swift build $(SWIFT_FLAGS) --product tamis
	swift test $(SWIFT_FLAGS)

build: setup
	swift build $(SWIFT_FLAGS) --product tamis

setup:
	scripts/setup build

setup-test:
	scripts/setup test

format: ## Formats the sources in place.
	swift format -i -r Sources Tests Fuzz Package.swift

lint: ## Fails if the format is off.
	swift format lint --strict -r Sources Tests Fuzz Package.swift

clean:
	rm -rf .build samples/out samples/.tamis
