#!/usr/bin/env bash
# Generate a web app with the built-in demo, then build, serve and check it, for real.
#   RUN_QA=1       needed to run at all: it installs packages and builds (a minute the first time)
#   KEEP_SERVER=1  leave the server running at the end and print its address
#   RECIPE         next-app (default) or vite-app;  BRIEF, MODEL, WORKBENCH_HOME as usual
# Exit code: that of the command that failed, 0 when all passed or nothing was asked for.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ "${RUN_QA:-0}" != 1 ]; then
  echo "skipped: set RUN_QA=1 to run it" >&2
  exit 0
fi
command -v npm >/dev/null 2>&1 || { echo "error: Node and npm are needed" >&2; exit 5; }

RECIPE=${RECIPE:-next-app}
MODEL=${MODEL:-demo}
BRIEF=${BRIEF:-a landing page for a bakery with a menu and opening hours}
WB=${WORKBENCH:-.venv/bin/workbench}
export WORKBENCH_HOME=${WORKBENCH_HOME:-$PWD}
mkdir -p logs
LOG=logs/websmoke-$(date +%Y%m%d-%H%M%S).log

keep=()
[ "${KEEP_SERVER:-0}" = 1 ] && keep=(--keep-server)
{
  "$WB" generate "$BRIEF" --recipe "$RECIPE" --model "$MODEL" --no-smoke
  "$WB" web-smoke ${keep[@]+"${keep[@]}"}
} 2>&1 | tee "$LOG"
