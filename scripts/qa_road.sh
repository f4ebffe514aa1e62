#!/usr/bin/env bash
# Everything a change must pass, in the order that fails soonest; called by `make qa`.
# The road runs in a scratch home with the built-in models; QA_LONG=1 adds the long tests, QA_NET=1 the real
# providers whose keys stand in ./.env. All output also goes to logs/qa-<time>.log.
set -euo pipefail
cd "$(dirname "$0")/.."
BIN=${BIN:-.venv/bin}
mkdir -p logs
LOG=logs/qa-$(date +%Y%m%d-%H%M%S).log
exec > >(tee "$LOG") 2>&1

HOME_DIR=$(mktemp -d)
WB="$BIN/workbench --home $HOME_DIR --no-color"
cleanup() {
  status=$?
  $WB router stop >/dev/null 2>&1 || true
  rm -rf "$HOME_DIR"
  [ $status -eq 0 ] && echo "qa: passed (log: $LOG)" || echo "qa: FAILED with $status (log: $LOG)"
}
trap cleanup EXIT

step() { printf '\n== %s\n' "$*"; }

step "format, lint, types, import laws"
$BIN/ruff format --check . && $BIN/ruff check . && $BIN/mypy && $BIN/lint-imports

step "tests"
$BIN/python -m pytest -n "${WORKERS:-2}" --dist worksteal -q -m "not slow and not net"
if [ "${QA_LONG:-0}" = 1 ]; then
  step "long tests"
  $BIN/python -m pytest -q -m "slow and not net"
fi

step "router"
$WB router start --port 0
$WB router health

step "generate with demo, then with demo-flaky (one repair)"
$WB generate "a slug library with tests" --recipe python-lib --model demo
$WB generate "a temperature converter with tests" --recipe python-lib --model demo-flaky

step "replay, live and from the recording"
EXCHANGE=$($WB exchanges list --limit 1 --json | $BIN/python -c 'import json, sys; print(json.load(sys.stdin)[0]["id"])')
$WB replay "$EXCHANGE" --expect similar
$WB replay "$EXCHANGE" --playback --expect same

step "web-smoke"
if command -v npm >/dev/null 2>&1; then
  $WB generate "a landing page for a bakery with a menu and opening hours" --recipe vite-app --model demo
  $WB web-smoke
else
  echo "skipped: Node and npm are not installed (Debian: apt-get install nodejs npm)"
fi

step "prune"
$WB prune --older-than 0s --dry-run
$WB prune --older-than 0s
$WB store verify

if [ "${QA_NET:-0}" = 1 ]; then
  step "real providers whose keys are in .env"
  $BIN/python -m pytest -q -m net
fi
