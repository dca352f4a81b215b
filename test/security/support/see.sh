# Prints what a process can find out about the box that it is in: a key, a tab, a value. For any shell with busybox's tools.
grep -E '^(Cap|NoNewPrivs|Seccomp:|Uid|Gid|Groups)' /proc/self/status | sed 's/^/status /; s/:[[:space:]]*/\t/; s/[[:space:]]*$//'
sed -n 's/^\(Max [a-z -]*[a-z]\) \{2,\}\([^ ]*\) *\([^ ]*\).*/limit \1\t\2 \3/p' /proc/self/limits
for name in cgroup ipc mnt net pid time user uts; do printf 'namespace %s\t%s\n' $name "$(readlink /proc/self/ns/$name)"; done
while read -r _ _ _ _ point options _ rest; do
  # The fields up to a lone "-" are optional (proc_pid_mountinfo(5)).
  type=${rest#*- }; [ "$type" != "$rest" ] || type=$rest
  printf 'mount %s\t%s %s\n' "$point" "${type%% *}" "${options%,relatime}"
done < /proc/self/mountinfo
for path in $COVERED; do
  if [ -d /proc/$path ]; then set -- /proc/$path/*; [ -e "$1" ] && what="has entries" || what=empty
  elif [ -e /proc/$path ]; then [ -n "$(head -c 1 /proc/$path 2>/dev/null | tr '\0' x)" ] && what="has content" || what=empty
  else what=absent; fi
  printf 'read /proc/%s\t%s\n' $path "$what"
done
for path in $READ_ONLY; do
  case $(grep -E " /proc/$path " /proc/self/mountinfo) in *' ro,'*) what='read-only' ;; *) what=writable ;; esac
  [ -e /proc/$path ] || what=absent
  printf 'write /proc/%s\t%s\n' $path "$what"
done
for node in /dev/*; do printf 'device %s\t%s\n' "$node" "$(stat -c '%F %a %u:%g %t:%T' "$node")"; done
printf 'cgroup\t%s\n' "$(cut -d: -f3 /proc/self/cgroup | sort -u | tr '\n' ' ')"
printf 'id map\t%s\n' "$(awk '{ print $1, $3 }' /proc/self/uid_map)"
printf 'user.max_user_namespaces\t%s\n' "$(cat /proc/sys/user/max_user_namespaces)"
printf 'interfaces\t%s\n' "$(tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' \n')"
printf 'loopback\t%s\n' "$(grep -c . /proc/net/if_inet6 2>/dev/null)"
printf 'unprivileged ports\t%s\n' "$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start)"
printf 'ping group range\t%s\n' "$(cat /proc/sys/net/ipv4/ping_group_range | tr '\t' ' ')"
printf 'host name\t%s\n' "$(hostname)"
printf 'umask\t%s\n' "$(umask)"
printf 'oom_score_adj\t%s\n' "$(cat /proc/self/oom_score_adj)"
