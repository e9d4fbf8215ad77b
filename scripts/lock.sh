#!/usr/bin/env bash
# Compile the pinned requirement files from pyproject.toml. Call it as `make lock`.
#
# One file serves every platform and Python from 3.11 on (--universal: environment markers tell them apart). Only the
# default index counts: settings of this machine's pip (local wheels, other indexes) must not reach the files, and
# neither addresses nor paths are written into them. Versions already pinned stay; `make lock UPGRADE=1` renews them.
set -euo pipefail
cd "$(dirname "$0")/.."
uv="${UV:-uv}"

compile() { # INPUT OUTPUT [OPTION...]
    local input="$1" output="$2"
    shift 2
    env --unset=PIP_FIND_LINKS --unset=PIP_EXTRA_INDEX_URL --unset=UV_FIND_LINKS --unset=UV_EXTRA_INDEX_URL \
        "$uv" pip compile --quiet "$input" --output-file "$output" --universal --python-version 3.11 \
        --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-config \
        --custom-compile-command "make lock" ${UPGRADE:+--upgrade} "$@"
}

compile requirements/tools.in requirements/tools.txt
compile pyproject.toml requirements/dev.txt --extra dev
compile pyproject.toml requirements/base.txt --constraint requirements/dev.txt  # the base is a part of dev, pin by pin
compile pyproject.toml requirements/serve.txt --extra serve --constraint requirements/dev.txt  # what the container installs
grep --with-filename -E '^torch(vision)?==' requirements/dev.txt
