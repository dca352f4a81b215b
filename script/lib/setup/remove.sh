# shellcheck shell=bash
# Takes away what setup made: for this checkout always, for the machine when no other checkout is left.

# Prints pids that run from the given folder: broker, daemon, and the PID 1 of every sandbox.
running_from() {
  local process program
  for process in /proc/[0-9]*; do
    program=$(readlink "$process/exe" 2>/dev/null) || continue
    case $program in "$1"/*) printf '%s\n' "${process#/proc/}" ;; esac
  done
}

# Prints the bundles of checkouts that still exist, other than this one.
other_bundles() {
  local file
  for file in "$INSTALL_ROOT"/*/checkout; do
    [ -f "$file" ] && [ "${file%/checkout}" != "$BUNDLE" ] && [ -d "$(<"$file")" ] && printf '%s\n' "${file%/checkout}"
  done
  return 0
}

remove_unused_nodes() {
  local folder
  for folder in "$INSTALL_ROOT"/node-*; do
    [ -d "$folder" ] || continue
    find "$INSTALL_ROOT" -mindepth 2 -maxdepth 2 -name node -type l -lname "$folder/*" | grep -q . || rm -rf "$folder"
  done
}

# dpkg takes exactly these, and refuses when something else has come to need one; apt would take that along.
remove_packages() {
  [ -s "$PACKAGE_RECORD" ] || { rm -f "$PACKAGE_RECORD" && return 0; }
  local -a packages
  mapfile -t packages < <(sort -u "$PACKAGE_RECORD")
  if [ -n "$REMOVE_PACKAGES" ]; then
    step "Removing ${#packages[@]} Debian packages" dpkg --purge "${packages[@]}"
  else
    say "Debian packages that setup installed stay. To remove them: dpkg --purge ${packages[*]}"
  fi
  rm -f "$PACKAGE_RECORD"
}

# A bundle whose checkout is gone belongs to nobody.
remove_orphaned_bundles() {
  local file
  for file in "$INSTALL_ROOT"/*/checkout; do
    if [ -f "$file" ] && [ ! -d "$(<"$file")" ] && [ -z "$(running_from "${file%/checkout}")" ]; then
      rm -rf "${file%/checkout}"
    fi
  done
}

remove_everything() {
  local -a running
  ((EUID == 0)) || [ ! -d "$BUNDLE" ] || die 'Cannot remove Squash: this takes root, and nothing was changed'
  mapfile -t running < <(running_from "$BUNDLE")
  ((${#running[@]} == 0)) || die "Cannot remove Squash: it is running (pids ${running[*]})" \
    'Destroy the sandboxes (script/squash list), then stop script/squashd. Nothing was changed.'
  if ((EUID == 0)); then
    lock_machine
    rm -rf "$BUNDLE"
    remove_orphaned_bundles
    remove_unused_nodes
    if [ -z "$(other_bundles)" ]; then
      remove_users
      remove_uid_base
      remove_packages
      if [ -d "$INSTALL_ROOT" ]; then rmdir --ignore-fail-on-non-empty "$INSTALL_ROOT"; fi
      rm -f /run/lock/squash-setup.lock
    else
      say "Users, settings and Debian packages stay: other checkouts use them ($(other_bundles | tr '\n' ' '))"
    fi
  fi
  rm -rf node_modules build dist
  say 'Squash is removed from this machine. State roots (SQUASH_DATA) are yours; setup never touches them.'
}
