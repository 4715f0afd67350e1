# Needs Python 3.11 or newer, its venv module and make; targets make the virtual
# environment they work in if it is not there. What they do stands in _theme/make.py,
# which runs on a bare Python.

PYTHON ?=
PORT ?= 8000
N ?=
export PORT N

candidates = $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11 python)

define run
@for python in $(candidates); do \
  if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
  then exec "$$python" _theme/make.py $@; fi; \
done; \
echo "make $@: found no Python 3.11 or newer (tried: $(candidates)). Install one," \
  "or name it: make $@ PYTHON=/path/to/python3" >&2; \
exit 1
endef

.PHONY: help html pdf notebooks chapter check test lab serve benchmark recipes mutants
.PHONY: lock clean

help:   ## print this list
	@sed -n 's/^\([a-z]*\): *## /  make \1 - /p' Makefile

html:   ## build the site
	$(run)

pdf:    ## build the printable guide (needs TeX)
	$(run)

notebooks: ## build the site with a notebook for each chapter
	$(run)

chapter: ## run one chapter and build its page alone (N=13)
	$(run)

check:  ## judge what was changed, in half a minute
	$(run)

test:   ## run the tests
	$(run)

lab:    ## open the chapters in JupyterLab
	$(run)

serve:  ## build the site, serve it on localhost, rebuild on change (PORT=8000)
	$(run)

benchmark: ## measure the speed beside peers (fetches PyTorch)
	$(run)

recipes: ## run the long trainings whose results the book shows
	$(run)

mutants: ## break the library at each place; a test has to turn red
	$(run)

lock:   ## renew the locked versions from pyproject.toml
	$(run)

clean:  ## remove all that builds and tests made, apart from .venv*
	$(run)
