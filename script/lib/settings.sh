# shellcheck shell=bash
# The daemon's environment: these names and PATH, nothing else of the caller's.

is_setting() {
  case $1 in SQUASH_* | AWS_* | TAILSCALE_*) [[ $1 =~ ^[A-Z0-9_]+$ ]] ;; *) false ;; esac
}

# read_settings FILE: NAME=value lines, as systemd's EnvironmentFile reads them; what the environment already has wins.
read_settings() {
  local line name value
  [ -r "$1" ] || return 0
  while IFS= read -r line || [ -n "$line" ]; do
    name=${line%%=*}
    value=${line#*=}
    if [ "$name" = "$line" ] || ! is_setting "$name" || [ -n "${!name+set}" ]; then continue; fi
    case $value in \"*\" | \'*\') value=${value:1:-1} ;; esac
    export "$name=$value"
  done <"$1"
}

# exec_clean COMMAND…
exec_clean() {
  local name
  local -a environment=(PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin)
  while IFS= read -r name; do
    if is_setting "$name"; then environment+=("$name=${!name}"); fi
  done < <(compgen -e)
  exec env -i "${environment[@]}" "$@"
}
