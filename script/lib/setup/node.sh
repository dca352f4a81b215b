# shellcheck shell=bash
# Node: the machine's own is only used to fetch packages; everything then runs on the one in node_modules/.

OLDEST_HOST_NODE=18 # its npm reads our lockfile (version 3)

node_modules_are_current() {
  is_stamped "$ROOT/node_modules/.squash-stamp" "$(digest_of package-lock.json)" && [ -x "$NODE" ]
}

# A machine without Node gets Debian's; one with an old Node is left alone.
check_host_node() {
  local version
  if ! command -v node >/dev/null; then
    [ "$ACTION" = set_up_machine ] || die 'Cannot fetch the npm packages: there is no Node.js on this machine' \
      "Install Node.js $OLDEST_HOST_NODE or newer with npm (Debian: apt-get install nodejs npm)."
    return 0
  fi
  version=$(node --version)
  version=${version#v}
  ((${version%%.*} >= OLDEST_HOST_NODE)) || die \
    "Cannot set up Squash: Node.js $version is older than $OLDEST_HOST_NODE ($(command -v node))" \
    "Install Node.js $OLDEST_HOST_NODE or newer with npm, or take the old one out of PATH. Nothing was changed."
  command -v npm >/dev/null || die 'Cannot set up Squash: npm is missing' \
    'Install npm beside Node.js (Debian: apt-get install npm). Nothing was changed.'
}

install_node_modules() {
  # Without it npm leaves a cache of its own code in /tmp.
  export NODE_DISABLE_COMPILE_CACHE=1
  npm ci --ignore-scripts --no-audit --no-fund
  "$NODE" --version
  write_stamp "$ROOT/node_modules/.squash-stamp" "$(digest_of package-lock.json)"
}
