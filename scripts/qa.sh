#!/bin/sh
# Everything that must hold before a release: `make qa` with the same arguments.
exec make -C "$(dirname "$0")/.." qa "$@"
