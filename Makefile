# Every recipe is what CI runs; `make` alone lists them. Scripts are in .ci/.
.DEFAULT_GOAL := help
.PHONY: help demo test test-chaos check check-features generate bench clean

help: ## List what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F '\t' '{ printf "  make %-16s %s\n", $$1, $$2 }'

demo: ## See Vitesse work, from nothing: no account, network or Docker needed
	@.ci/demo

test: ## Run every test and every example of the docs against real parts, from nothing
	@.ci/test

test-chaos: ## The long crash tests: hundreds of kills at random moments
	@VITESSE_CHAOS=1 .ci/test chaos

check: ## Formatting, lints, documentation, packages, licences, generated files
	@.ci/check

check-features: ## Compile each combination of features that ships
	@.ci/check-features

generate: ## Write the generated files anew: reference pages, schema, dependency lists
	@.ci/generate

bench: ## Measure: criterion benches of the store and the hot path
	@cargo bench -p vitesse-benches

clean: ## Remove what was built and stop what tests left running
	@.ci/parts stop || true
	@cargo clean
