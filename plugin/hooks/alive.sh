#!/bin/sh
# Whether the daemon of this user lives. At every Stop, so that one that died in the night is started again before a
# loop's next round; a shell answers that in a few milliseconds where Node would need a hundred.
{ read -r record < "${PAG0_HOME:-$HOME/.pag0}/daemon.json"; } 2>/dev/null
pid=${record#*\"pid\":}
pid=${pid%%[!0-9]*}
[ -n "$pid" ] && kill -0 "$pid" 2>/dev/null
