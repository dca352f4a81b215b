#!/bin/sh
# Called in mount and pid namespaces of its own: start.sh SHARE SOCKET VIRTIOFSD QEMU…
# Shares the host's files, all of them read-only, and becomes the virtual machine.
set -eu
share=$1 socket=$2 virtiofsd=$3
shift 3
mount --rbind / "$share"
findmnt --raw --noheadings --submounts --output TARGET "$share" | while read -r point; do
  # --raw writes blanks as \x20.
  mount -o remount,bind,ro "$(printf '%b' "$point")"
done
# cache: nobody changes these files while they are shared.
"$virtiofsd" --socket-path="$socket" -o "source=$share" -o cache=always &
timeout 10 sh -c 'until [ -S "$0" ]; do sleep 0.05; done' "$socket"
exec "$@"
