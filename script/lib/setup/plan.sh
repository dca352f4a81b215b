# shellcheck shell=bash
# What setup is about to do to the machine, said before it is done.

say_plan() {
  local -a missing
  mapfile -t missing < <(missing_packages)
  say 'Setting up Squash. On this machine:'
  ((${#missing[@]} == 0)) || say "  packages  ${missing[*]}"
  users_exist || say '  users     squash (daemon), squash-build (layer builder, with 65536 subordinate ids)'
  uid_base_is_chosen || say "  settings  $SETTINGS (which user ids sandboxes get)"
  { native_is_current && programs_are_current && bundle_is_current; } || say "  programs  $BUNDLE (root-owned copies of what this checkout builds)"
  say "In this checkout: node_modules/, build/, dist/. Take it all away again: script/setup --remove"
}

# Before the first change, so that nothing is ever half-installed for want of root.
require_root() {
  ((EUID == 0)) && return
  local -a missing
  mapfile -t missing < <(missing_packages)
  local hints=()
  ((${#missing[@]} == 0)) || hints+=("Packages alone: apt-get install --no-install-recommends ${missing[*]}")
  die 'Cannot set up Squash: this takes root, and nothing was changed' \
    "As root: ${ROOT@Q}/script/setup${TEST:+ --test}" "${hints[@]}"
}
