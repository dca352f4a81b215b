# shellcheck shell=bash
# Debian packages.

RUN_PACKAGES=(
  gcc make libc6-dev libseccomp-dev            # squash-broker and squash-agent
  squashfs-tools mmdebstrap uidmap e2fsprogs   # layers and uppers
  util-linux attr curl ca-certificates
)
TEST_PACKAGES=(
  crun bubblewrap                              # the oracle and the yardsticks
  clang clang-format                           # sanitizers, fuzzers, format
  shellcheck strace busybox-static jq procps git iproute2 nftables python3 openssl acl
  zsh fish                                     # beside bash, the shells that completion is for
  qemu-system-x86                              # a host with cgroup v2 alone
  btrfs-progs                                  # pools
)

# The sanitizers' runtime has the version of the distribution's clang in its name: 14 on Debian 12, 19 on Debian 13.
clang_runtime() {
  local version
  version=$(readlink -f /usr/bin/clang | sed -n 's,^/usr/lib/llvm-\([0-9]*\)/.*,\1,p')
  [ -n "$version" ] || version=$(apt-cache depends clang 2>/dev/null | sed -n 's/.*Depends: clang-\([0-9]*\)$/\1/p')
  printf 'libclang-rt-%s-dev\n' "${version:-14}"
}

# What shares the host's files with a virtual machine: a part of QEMU on Debian 12, a package of its own since.
virtiofsd() {
  grep -q '^VERSION_CODENAME=bookworm' /etc/os-release || printf 'virtiofsd\n'
}

wanted_packages() {
  printf '%s\n' "${RUN_PACKAGES[@]}"
  [ -z "$TEST" ] || { printf '%s\n' "${TEST_PACKAGES[@]}" && clang_runtime && virtiofsd; }
  # With a Node of its own, whatever its version, the machine's owner has chosen: see check_host_node.
  node_modules_are_current || command -v node >/dev/null || printf '%s\n' nodejs npm
}

missing_packages() {
  local -a wanted
  mapfile -t wanted < <(wanted_packages)
  command -v dpkg-query >/dev/null || die 'Cannot set up Squash: this is no Debian or Ubuntu (dpkg is missing)'
  comm -23 <(printf '%s\n' "${wanted[@]}" | sort) \
    <(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "${wanted[@]}" 2>/dev/null | sed -n 's/^installed //p' | sort)
}

installed_packages() {
  dpkg-query -W -f='${db:Status-Status} ${Package}\n' | sed -n 's/^installed //p' | sort -u
}

# Records all that came, dependencies too: that, and no more, is what --remove --packages takes away.
install_missing_packages() {
  local -a missing
  local before
  mapfile -t missing < <(missing_packages)
  ((${#missing[@]} > 0)) || return 0
  before=$(installed_packages)
  step "Installing ${#missing[@]} Debian packages" apt_install "${missing[@]}"
  install -d -m 0755 -o root -g root "$INSTALL_ROOT"
  (umask 022 && comm -13 <(printf '%s\n' "$before") <(installed_packages) >>"$PACKAGE_RECORD")
}

apt_install() {
  umask 022 # maintainer scripts create files
  export DEBIAN_FRONTEND=noninteractive
  # A fresh machine has no package lists, an old one has stale ones.
  apt-get install -y --no-install-recommends "$@" && return
  apt-get update
  apt-get install -y --no-install-recommends "$@"
}
