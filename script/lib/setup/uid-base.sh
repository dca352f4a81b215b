# shellcheck shell=bash
# Which user ids the sandboxes of this machine get: one span of 2^30, from which the broker of each installation carves its blocks.

UID_SPAN=$((1 << 30))

uid_base_is_chosen() {
  [ -f "$SETTINGS" ] && grep -q '^SQUASH_UID_BASE=[0-9]' "$SETTINGS"
}

# Prints "first count" for every range of ids that somebody already has.
taken_ids() {
  awk -F: 'NF >= 3 { print $2, $3 }' /etc/subuid /etc/subgid 2>/dev/null || true
  { getent passwd && getent group; } | awk -F: '$3 ~ /^[0-9]+$/ { print $3, 1 }'
}

is_free_span() {
  taken_ids | awk -v base="$1" -v span="$UID_SPAN" '$1 < base + span && $1 + $2 > base { met = 1 } END { exit met }'
}

choose_uid_base() {
  local base
  # 2^31 and above come second: some tools keep ids in a signed integer.
  for base in $((1 << 30)) $((2 << 30)) 1; do
    if ((base == 1)); then
      die 'Cannot choose the user ids of sandboxes: both 2^30 … 2^31 and 2^31 … 3·2^30 meet ranges of /etc/subuid, /etc/subgid or users' \
        "Write a free span of $UID_SPAN ids into $SETTINGS yourself: SQUASH_UID_BASE=<first id>"
    fi
    if is_free_span "$base"; then break; fi
  done
  install -d -m 0755 -o root -g root "$(dirname "$SETTINGS")"
  [ -f "$SETTINGS" ] || install -m 0644 /dev/null "$SETTINGS"
  printf 'SQUASH_UID_BASE=%s\n' "$base" >>"$SETTINGS"
  say "User ids of sandboxes: $base … $((base + UID_SPAN - 1)) ($SETTINGS)"
}

remove_uid_base() {
  [ -f "$SETTINGS" ] || return 0
  sed -i '/^SQUASH_UID_BASE=/d' "$SETTINGS"
  if [ -s "$SETTINGS" ]; then
    say "$SETTINGS holds settings that setup did not write; it stays."
  else
    rm -f "$SETTINGS"
    rmdir --ignore-fail-on-non-empty "$(dirname "$SETTINGS")"
  fi
}
