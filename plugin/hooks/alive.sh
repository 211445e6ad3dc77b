#!/bin/sh
# Whether the daemon of this user lives and works; a shell answers that in a few milliseconds where Node would need a
# hundred. A number alone is not believed where the system tells more: it may long belong to another process, to one
# that has ended and that nobody has asked about, or to one that was stopped.
{ read -r record < "${PAG0_HOME:-$HOME/.pag0}/daemon.json"; } 2>/dev/null
pid=${record#*\"pid\":}
pid=${pid%%[!0-9]*}
case $record in *'"born":"'*) born=${record#*\"born\":\"} born=${born%%\"*} ;; *) born= ;; esac
[ -n "$pid" ] && if [ -n "$born" ]; then
  # proc_pid_stat(5): the name in parentheses may hold anything; behind it the first field is the state, the 20th when it began.
  { read -r stat < "/proc/$pid/stat"; } 2>/dev/null && set -f && set -- ${stat##*) } && [ "${20-}" = "$born" ] && case $1 in [TtZX]) false ;; esac
else
  kill -0 "$pid" 2>/dev/null
fi
