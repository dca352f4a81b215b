# shellcheck shell=bash
# Two system users: the daemon's, and the builders'. Builders unpack foreign archives in a user namespace, which takes a range of subordinate ids.

users_exist() {
  grep -q '^squash:' /etc/passwd && grep -q '^squash-build:' /etc/passwd &&
    grep -q '^squash-build:' /etc/subuid && grep -q '^squash-build:' /etc/subgid
} 2>/dev/null

create_users() {
  local common=(--system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin)
  getent passwd squash >/dev/null || useradd "${common[@]}" --comment 'Squash daemon' squash
  if ! getent passwd squash-build >/dev/null; then
    useradd "${common[@]}" --add-subids-for-system --comment 'Squash layer builder' squash-build
  fi
  users_exist || { echo 'squash-build has no range in /etc/subuid and /etc/subgid: add one, or remove the user' && return 1; }
}

remove_users() {
  local user
  for user in squash squash-build; do
    # userdel also gives back the subordinate ids and the user's own group.
    if getent passwd "$user" >/dev/null; then userdel "$user"; fi
    if getent group "$user" >/dev/null; then groupdel "$user"; fi
  done
}
