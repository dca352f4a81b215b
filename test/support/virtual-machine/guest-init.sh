#!/bin/busybox sh
# PID 1 of the virtual machine, in its initramfs: makes a root of the host's files, with cgroup v2 alone, and runs /command in it.
# What /command prints is the machine's answer; its errors go to the console. When this ends, so does the machine.
set -eu
/bin/busybox --install -s /bin
mount -t devtmpfs dev /dev
for module in /modules/*.ko; do insmod "$module"; done

# The host's files are below, and stay as they are.
mkdir -p /host /upper /newroot
mount -t virtiofs -o ro host /host
mount -t tmpfs upper /upper
mkdir /upper/files /upper/work
mount -t overlay -o lowerdir=/host,upperdir=/upper/files,workdir=/upper/work root /newroot

cd /newroot
mount -t proc proc proc
mount -t sysfs sys sys
mount -t cgroup2 cgroup sys/fs/cgroup
mount -t devtmpfs dev dev
mkdir -p dev/pts dev/shm
mount -t devpts -o gid=5,mode=620,ptmxmode=666 pts dev/pts
mount -t tmpfs -o mode=1777 shm dev/shm
mount -t tmpfs -o mode=755 run run
mkdir -m 1777 run/lock
# The checkout may lie in /tmp, which is a disk of this machine's own.
checkout=$(cat /checkout)
mkdir /kept
mount --bind "/newroot$checkout" /kept
mount -t ext4 /dev/vda tmp
chmod 1777 tmp
mkdir -p "/newroot$checkout"
mount --move /kept "/newroot$checkout"
cp /command run/command

# The answer's port; port 0 of the same device is the console.
answer=$(echo dev/vport*p1)
test -c "$answer"

ip link set lo up
# As systemd has it; the kernel's own is 4,096.
ulimit -n 524288
exec switch_root /newroot /bin/sh -c '
  cd "$1"
  env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin sh /run/command >"$2" 2>/dev/console
  sync
  exec busybox poweroff -f
' sh "$checkout" "/$answer"
