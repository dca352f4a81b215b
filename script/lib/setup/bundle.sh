# shellcheck shell=bash
# The root-owned copy of what runs. Every file is renamed into place and gets its mode by name, whatever the umask:
# a program that runs keeps the file that it was started from.

bundle_digest() { cat "$STAMPS/native" "$STAMPS/programs" "$ROOT/node_modules/.squash-stamp" 2>/dev/null | sha256sum | cut -d' ' -f1; }
bundle_is_current() {
  is_stamped "$BUNDLE/stamp" "$(bundle_digest)" && [ -x "$BUNDLE/node" ] && [ -x "$BUNDLE/squash-broker" ] && [ -x "$BUNDLE/squash-packer" ]
}

# place MODE SOURCE TARGET
place() {
  install -m "$1" -o root -g root "$2" "$3.new"
  mv -fT "$3.new" "$3"
}

# Prints the path of a copy of Node that all checkouts with the same Node share.
place_node() {
  local binary hash folder
  binary=$(readlink -f "$ROOT/node_modules/.bin/node")
  hash=$(sha256sum "$binary")
  folder=$INSTALL_ROOT/node-$("$binary" -p process.versions.node)-${hash:0:12}
  if [ ! -x "$folder/node" ]; then
    install -d -m 0755 -o root -g root "$folder"
    place 0755 "$binary" "$folder/node"
  fi
  printf '%s\n' "$folder/node"
}

install_bundle() {
  local program node
  install -d -m 0755 -o root -g root "$INSTALL_ROOT" "$BUNDLE"
  node=$(place_node)
  place 0755 build/native/squash-broker "$BUNDLE/squash-broker"
  # Not readable: root inside a sandbox shall not study its PID 1.
  place 0711 build/native/squash-agent "$BUNDLE/squash-agent"
  place 0755 build/native/squash-packer "$BUNDLE/squash-packer"
  for program in dist/*.mjs; do
    [ -f "$program" ] || continue
    place 0644 "$program" "$BUNDLE/$(basename "$program")"
  done
  for program in "$BUNDLE"/*.mjs; do
    if [ ! -f "dist/$(basename "$program")" ]; then rm -f "$program"; fi
  done
  ln -sfnT "$node" "$BUNDLE/node.new" && mv -fT "$BUNDLE/node.new" "$BUNDLE/node"
  place 0644 <(printf '%s\n' "$ROOT") "$BUNDLE/checkout"
  place 0644 <(bundle_digest) "$BUNDLE/stamp"
}
