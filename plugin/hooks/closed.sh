#!/bin/sh
# Fails closed where the http hook beside it cannot: while the daemon is gone, a command that runs a network client is
# refused and every other command runs. While the daemon lives this says nothing and costs one short shell.
# An http hook with onFailure "block" would refuse too much here: the client runs every "if" entry for a command it
# cannot take apart, such as a plain for loop.
. "${0%/*}/alive.sh" && exit 0

# The command as it stands in the event's JSON; escaped line breaks, tabs and quotes end a word as spaces do.
command=$(grep -o '"command": *"\([^"\\]\|\\.\)*"' | head -n 1 | sed 's/^"command": *"//; s/"$//; s/\\[ntr"]/ /g')
printf '%s ' "$command" | grep -Eq '(^|[^[:alnum:]_.=-])(curl|wget|wget2|https?|httpie|xhs?|curlie)([[:space:]]|$)' || exit 0
echo 'pag0: the daemon is not running, so a command that may cost money was not run; go on without the network, pag0 starts again when this turn ends or with the next prompt.' >&2
exit 2
