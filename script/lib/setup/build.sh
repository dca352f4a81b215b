# shellcheck shell=bash
# The native programs into build/native/, the TypeScript programs into dist/.

native_digest() { digest_of native; }
native_is_current() {
  is_stamped "$STAMPS/native" "$(native_digest)" && [ -x build/native/squash-broker ] && [ -x build/native/squash-agent ] &&
    [ -x build/native/squash-packer ]
}
build_native() {
  local digest
  digest=$(native_digest) # before: what changes meanwhile is built again next time
  make -C native -j"$(nproc)"
  write_stamp "$STAMPS/native" "$digest"
}

programs_digest() { digest_of src package.json package-lock.json tsconfig.json script/lib/build.mjs; }
programs_are_current() {
  is_stamped "$STAMPS/programs" "$(programs_digest)" && [ -d dist ]
}
build_programs() {
  local digest
  digest=$(programs_digest)
  "$NODE" script/lib/build.mjs
  write_stamp "$STAMPS/programs" "$digest"
}
