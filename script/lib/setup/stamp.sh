# shellcheck shell=bash
# A build step leaves a stamp: the digest of everything it was made from. Same digest, nothing to do.

# digest_of PATH…: of names and contents of all files below; tests do not go into a build.
digest_of() {
  find "$@" -type f ! -name '*.test.ts' -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -d' ' -f1
}

# is_stamped FILE DIGEST
is_stamped() {
  [ -f "$1" ] && [ "$(<"$1")" = "$2" ]
}

# write_stamp FILE DIGEST: renamed into place, so that a stamp is whole or not there.
write_stamp() {
  mkdir -p "$(dirname "$1")"
  printf '%s\n' "$2" >"$1.new"
  mv -f "$1.new" "$1"
}

# Two setups of one checkout take turns; the one that waited finds most steps done.
lock_checkout() {
  [ -w "$ROOT" ] || die "Cannot build in $ROOT: it belongs to somebody else" 'Ask its owner, or use a clone of your own.'
  mkdir -p "$ROOT/build"
  exec {CHECKOUT_LOCK}>"$ROOT/build/setup.lock"
  flock "$CHECKOUT_LOCK"
}

# Users, settings and installed programs are shared by all checkouts of the machine.
lock_machine() {
  exec {MACHINE_LOCK}>/run/lock/squash-setup.lock
  flock "$MACHINE_LOCK"
}
