#!/bin/sh
# Send exchanges, runs or payload files again: `workbench replay` with the same arguments.
root=$(dirname "$0")/..
PATH="$root/.venv/bin:$PATH" exec workbench replay "$@"
