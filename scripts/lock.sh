#!/bin/sh
# Write constraints.txt and requirements-dev.txt anew: versions and hashes for every platform, no addresses.
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check uv
compile() {
  "$work/venv/bin/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
    --no-annotate --custom-compile-command "make lock" "$@"
}
compile ${UPGRADE:+--upgrade} pyproject.toml -o constraints.txt
compile ${UPGRADE:+--upgrade} pyproject.toml requirements-dev.in -c constraints.txt -o requirements-dev.txt
