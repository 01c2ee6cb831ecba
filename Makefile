# Two commands do everything: `make demo` and `make test`. Both install what they need first.

SWIFT_FLAGS := -c release --explicit-target-dependency-import-check error
TAMIS := .build/release/tamis

.PHONY: demo test build setup setup-test format lint clean bench-decode check-decode example-pmae bench-pca

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
	swift format -i -r Sources Tests Fuzz Package.swift Benchmarks/Package.swift Benchmarks/Sources

lint: ## Fails if the format is off.
	swift format lint --strict -r Sources Tests Fuzz Package.swift Benchmarks/Package.swift Benchmarks/Sources

BENCH_PYTHON := Benchmarks/.venv/bin/python
DECODE_WORKER := Benchmarks/.build/release/DecodeWorker

bench-decode: decode-worker ## Decoding and resizing beside OpenCV and Pillow; QUICK=1 for a short look.
	$(BENCH_PYTHON) Benchmarks/decode/run.py $(DECODE_WORKER) Benchmarks/data/decode

check-decode: decode-worker ## Pixels beside Pillow's on the same pictures; what `fast` changes; allocations.
	$(BENCH_PYTHON) Benchmarks/decode/check.py $(DECODE_WORKER) Benchmarks/data/decode
	Benchmarks/decode/count_allocations $(DECODE_WORKER) Benchmarks/data/decode/512-q85-square.tar

bench-resize: decode-worker ## Resizing and encoding again beside OpenCV (as img2dataset does) and Pillow; QUICK=1.
	$(BENCH_PYTHON) Benchmarks/decode/published.py $(DECODE_WORKER) Benchmarks/data/decode

.PHONY: bench-resize
bench-passthrough: build ## Filtering a tar beside webdataset and coreutils.
	Benchmarks/setup
	$(BENCH_PYTHON) Benchmarks/passthrough/run.py $(TAMIS)

bench-publish: build setup-test ## Pass-through, MDS beside MDSWriter, .tar.zst beside zstd; QUICK=1 for a short look.
	Benchmarks/setup
	$(BENCH_PYTHON) Benchmarks/publish/run.py $(TAMIS) .venv/bin/python Benchmarks/data/publish $(PARTS)

bench-serve: build setup-test ## The daemon beside run on the same shards, and its latency; QUICK=1 for a short look.
	.venv/bin/python Benchmarks/daemon/run.py $(if $(QUICK),--quick)

.PHONY: bench-passthrough bench-publish bench-serve decode-worker
decode-worker: setup
	Benchmarks/setup
	TAMIS_LIGHT=1 swift build -c release --package-path Benchmarks --product DecodeWorker
	$(BENCH_PYTHON) Benchmarks/decode/make_shards.py Benchmarks/data/decode

example-pmae: build ## Publishes the samples, trains a tiny PMAE on them (PyTorch in a venv of its own).
	examples/pmae/run

bench-pca: build ## PCA, masks and projection beside scikit-learn, NumPy and plain BLAS; QUICK=1 for a short look.
	Benchmarks/setup
	TAMIS_LIGHT=1 swift build -c release --package-path Benchmarks --product PCAWorker
	$(BENCH_PYTHON) Benchmarks/pca/run.py $(TAMIS) Benchmarks/.build/release/PCAWorker Benchmarks/data/pca

bench-prune: build ## Pruning beside faiss, NumPy and OSQP; QUICK=1 for a short look, REAL=E.npy adds embeddings.
	Benchmarks/setup
	TAMIS_LIGHT=1 swift build -c release --package-path Benchmarks --product KMeansWorker
	$(BENCH_PYTHON) Benchmarks/prune/run.py $(TAMIS) Benchmarks/.build/release/KMeansWorker Benchmarks/data/prune $(REAL)

.PHONY: bench-prune
bench-embed: build decode-worker ## Embedding beside onnxruntime alone and decoding alone; SSCD=FILE adds that model.
	scripts/setup-onnxruntime
	scripts/build-models
	$(BENCH_PYTHON) Benchmarks/embed/run.py $(TAMIS) $(DECODE_WORKER) Benchmarks/data/decode .deps/models $(SSCD)

.PHONY: bench-embed
clean:
	rm -rf .build samples/out samples/.tamis
