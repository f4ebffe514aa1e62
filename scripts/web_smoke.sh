#!/bin/sh
# Build, serve and check a generated web app: `workbench web-smoke` with the same arguments.
root=$(dirname "$0")/..
PATH="$root/.venv/bin:$PATH" exec workbench web-smoke "$@"
