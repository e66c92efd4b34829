.PHONY: check
check: ## What CI runs
	.ci/run
