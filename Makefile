# Every recipe is what CI runs; `make` alone lists them. Scripts are in .ci/.
.DEFAULT_GOAL := help
.PHONY: help demo picture test test-chaos test-laws test-miri test-corpus check check-features generate bench bench-ingest bench-mapping bench-serve bench-http static bench-peers bench-mocks bench-engines bench-sync clean

help: ## List what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F '\t' '{ printf "  make %-16s %s\n", $$1, $$2 }'

demo: ## See Vitesse work, from nothing: no account, network or Docker needed
	@.ci/demo

test: ## Run every test and every example of the docs against real parts, from nothing
	@.ci/test

test-chaos: ## The long crash tests: hundreds of kills at random moments
	@VITESSE_CHAOS=1 .ci/test chaos

test-laws: ## The property tests on new random cases, many of them (PROPTEST_CASES=20000)
	@.ci/test laws

test-miri: ## The unsafe code of the transformation under Miri (nightly)
	@.ci/test miri

test-corpus: ## Ingest each of 2,600 real API descriptions and print the totals
	@VITESSE_CORPUS=full cargo test --release --locked -p vitesse-core --features ingest,testing --test ingestor whole -- --nocapture

check: ## Formatting, lints, documentation, packages, licences, generated files
	@.ci/check

check-features: ## Compile each combination of features that ships
	@.ci/check-features

generate: ## Write the generated files anew: reference pages, schema, dependency lists
	@.ci/generate

picture: ## Draw what the demonstration prints, for the README
	@docs/picture.py > docs/src/demo.svg.new && mv docs/src/demo.svg.new docs/src/demo.svg

bench: ## Measure: the store, discovery, the guardian, the mapper, the ingestor and the transformation
	@cargo bench -p vitesse-benches --bench store
	@cargo bench -p vitesse-benches --bench discovery
	@cargo bench -p vitesse-benches --bench guardian
	@cargo bench -p vitesse-benches --bench mapper
	@cargo bench -p vitesse-benches --bench transform
	@cargo bench -p vitesse-benches --bench ingest -- $(CURDIR)/examples/apis/crm.json \
		$$(find $(CURDIR)/target/corpus -name stripe.com.json -o -name graph.json 2>/dev/null)

bench-mapping: ## How well the mapper finds pairs, beside simple ways; CASES=FOLDER for other cases
	@cargo run --release --locked --quiet -p vitesse-benches --bin mapping -- bench $(or $(CASES),$(CURDIR)/benches/cases/mapping)

bench-peers: ## Compare the transformation with its rivals by CPU time; installs them first
	@benches/peers/install && benches/peers/build && benches/peers/compare.py --svg docs/src/performance/throughput.svg

bench-ingest: ## Compare the ingestor with other readers of API descriptions; FILES=... for others
	@[ -n "$(FILES)" ] || VITESSE_CORPUS=full cargo test --release --locked -p vitesse-core --features ingest,testing --test ingestor whole
	@benches/peers/ingest/compare $(or $(FILES),$$(find $(CURDIR)/target/corpus -name stripe.com.json -o -name graph.json))

bench-serve: static ## Measure the service: start, memory, CPU of a request beside an echo, streams, crowds
	@bash -c 'source .ci/common && build_shipped vitesse-echo'
	@cargo run --release --locked --quiet -p vitesse-benches --bin serve -- \
		target/shipped/vitesse-runtime target/shipped/vitesse-echo

bench-http: ## Measure the control plane: each operation under 32 callers, 1,000 integrations, ten minutes' soak (STORE=URL)
	@cargo build --release --locked --quiet -p vitesse-cli
	@cargo run --release --locked --quiet -p vitesse-benches --bin http -- target/release/vitesse \
		$(if $(STORE),--store $(STORE)) --soak 10

static: ## Build the runtime linked statically, and check that it is and stays small
	@.ci/static

bench-mocks: ## Compare the mock with Prism (npm) on the same requests, and their speed
	@cargo build --release --locked -p vitesse-cli && benches/mocks/compare.py --speed

bench-sync: ## Measure a sync from outside: records a second, waiting, memory, the size of the binary
	@cargo build --release --locked --quiet -p vitesse-benches --bin sync
	@cargo build --profile runtime --locked --quiet -p vitesse-runtime
	@target/release/sync target/runtime/vitesse-runtime

bench-engines: ## Compare embedded engines for the store
	@cd benches/engines && cargo run --release -- all

clean: ## Remove what was built and stop what tests left running
	@.ci/parts stop || true
	@cargo clean
