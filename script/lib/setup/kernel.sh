# shellcheck shell=bash
# What the kernel must be able to do, and what its lack costs. Checked twice: by looking, before anything is changed, and by doing
# (`squash-broker probe`), once that is built and before it is installed.
# SQUASH_PROBE_ANSWERS names a file of `feature=yes|no` lines that stand for the kernel's own answers: for tests, and to see what setup would say elsewhere.

# feature|needed or useful|what is lost without it
FEATURES='
linux-6.8|needed|layers cannot be id-mapped and stacked one by one; Debian 12: apt-get install -t bookworm-backports linux-image-amd64, then reboot
squashfs|needed|layers cannot be mounted
overlay|needed|layers cannot be stacked
ext4|needed|sandboxes have no writable layer
loop|needed|layers cannot be attached
tmpfs|needed|sandboxes have no /dev
user-namespaces|needed|root inside a sandbox would be root of the host
seccomp|needed|dangerous system calls would be open to sandboxes
cgroup-memory|needed|memory limits cannot be enforced
cgroup-cpu|needed|CPU limits cannot be enforced
cgroup-pids|needed|a fork bomb would take the host down
cgroup-freezer|needed|a command that will not die could not be ended
idmapped-squashfs|needed|the files of a layer would belong to nobody inside a sandbox
idmapped-ext4|needed|the writable layer would belong to nobody inside a sandbox
overlay-userxattr|needed|deletions inside a sandbox could not be captured
squashfs-zstd|needed|layers, which are packed with zstd, cannot be read
cgroups|needed|no limit can be enforced
swap-accounting|useful|memory limits do not count swap
'

has_filesystem() {
  grep -qw "$1" /proc/filesystems || modprobe -n -q "$1" 2>/dev/null
}

# On v1 every controller is a line of /proc/cgroups; on v2 it is a word of cgroup.controllers, and freezing is always there.
has_controller() {
  awk -v name="$1" '$1 == name && $4 == 1 { found = 1 } END { exit !found }' /proc/cgroups 2>/dev/null ||
    grep -qw "$1" /sys/fs/cgroup/cgroup.controllers 2>/dev/null
}

is_at_least() {
  [ "$(printf '%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]
}

# Answers for what can be seen without doing it; `unknown` for the rest.
look_at_kernel() {
  case $1 in
    linux-*) is_at_least "${1#linux-}" "$(uname -r)" ;;
    squashfs | overlay | ext4 | tmpfs) has_filesystem "$1" ;;
    loop) [ -e /dev/loop-control ] || modprobe -n -q loop 2>/dev/null ;;
    user-namespaces) [ -e /proc/self/ns/user ] && (($(</proc/sys/user/max_user_namespaces) > 0)) ;;
    seccomp) [ -e /proc/sys/kernel/seccomp/actions_avail ] ;;
    cgroup-freezer) has_controller freezer || [ -e /sys/fs/cgroup/cgroup.controllers ] ;;
    cgroup-*) has_controller "${1#cgroup-}" ;;
    *) return 2 ;;
  esac
}

# complain_about_kernel LINES: LINES are `feature=no` and others. Says each lack and its cost; dies when a needed one is among them.
complain_about_kernel() {
  local answers=$1 name weight cost stop=''
  while IFS='|' read -r name weight cost; do
    if [ -z "$name" ] || ! grep -qx "$name=no" <<<"$answers"; then continue; fi
    say "Kernel: no $name: $cost"
    [ "$weight" != needed ] || stop=yes
  done <<<"$FEATURES"
  [ -z "$stop" ] || die "Cannot set up Squash on Linux $(uname -r): it lacks what is named above" "$2"
}

check_kernel() {
  local name rest status answers=''
  while IFS='|' read -r name rest; do
    [ -n "$name" ] || continue
    status=0
    look_at_kernel "$name" || status=$?
    case $status in 0) answers+="$name=yes"$'\n' ;; 1) answers+="$name=no"$'\n' ;; esac
  done <<<"$FEATURES"
  [ -z "${SQUASH_PROBE_ANSWERS:-}" ] || answers=$(<"$SQUASH_PROBE_ANSWERS")
  complain_about_kernel "$answers" 'Nothing was changed.'
}

# The broker prints a JSON object of `"feature": true|false`.
check_kernel_by_doing() {
  local answers
  answers=$(build/native/squash-broker probe --json) || die 'Cannot set up Squash: squash-broker probe failed' "$answers"
  answers=$(grep -oE '"[a-z0-9.-]+": ?(true|false)' <<<"$answers" | sed 's/"//g; s/: \?true/=yes/; s/: \?false/=no/')
  complain_about_kernel "$answers" 'No user was made and nothing was installed but Debian packages; script/setup --remove tells which.'
}
