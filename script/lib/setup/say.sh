# shellcheck shell=bash
# What a person sees. All of it goes to stderr: stdout belongs to the program that called setup.

say() { printf '%s\n' "$*" >&2; }

# die MESSAGE [HINT…]
die() {
  say "$1"
  shift
  local hint
  for hint in "$@"; do say "  $hint"; done
  exit 1
}

# Prints a dot a second until its stdin ends.
tick() {
  local status
  while true; do
    status=0
    read -rt 1 || status=$?
    ((status > 128)) || return 0 # 128 and more: the second is over; less: end of file
    printf . >&2
  done
}

# step TITLE COMMAND…: runs a command that may take long; shows its output only when it fails.
step() {
  local title=$1 log started=$SECONDS status ticker
  shift
  log=$(mktemp)
  printf '%s ' "$title" >&2
  exec {ticker}> >(tick)
  # Not `command || status=$?`: that would switch `set -e` off inside the command.
  set +e
  (
    set -e
    "$@"
  ) >"$log" 2>&1 {ticker}>&-
  status=$?
  set -e
  exec {ticker}>&-
  if ((status == 0)); then
    say " done ($((SECONDS - started)) s)"
    rm -f "$log"
    return 0
  fi
  say ' failed'
  tail -n 40 "$log" >&2
  rm -f "$log"
  die "Cannot finish \"$title\": it ended with status $status" \
    'What was done before it stays and is not done again; script/setup --remove takes it away.'
}
