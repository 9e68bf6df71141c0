#!/bin/sh
# worker [--every SECONDS]: passes each file of the queue to handle.sh, once or every so many seconds.
set -eu
spool=/var/spool/$QUEUE
. /etc/worker/handle.sh

while :; do
  for file in "$spool"/*; do
    if [ -f "$file" ] && handle "$file"; then rm "$file"; fi
  done
  [ "${1-}" = --every ] || exit 0
  sleep "$2"
done
