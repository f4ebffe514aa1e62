#!/bin/sh
# Delete what retention no longer keeps; --dry-run only lists it: `workbench prune` with the same arguments.
root=$(dirname "$0")/..
PATH="$root/.venv/bin:$PATH" exec workbench prune "$@"
