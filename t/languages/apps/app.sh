#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The app of SxTest::Languages in shell, as CGI.
. "$(dirname "$0")/../helpers/session_ext.sh"

# $(...) takes newlines off the end: an x behind them keeps them.
decode() {
    printf 'x=%s' "$1" | session__decode x
    printf x
}
keep() {
    "$@"
    status=$?
    printf x
    return $status
}

said=
say() {
    said="$said$1
"
}

tell() {
    say "status $SESSION_STATUS"
    say "version ${SESSION_VERSION:-0}"
    say "user $(session__encode "${SESSION_USER-}")"
    say "handle ${SESSION_HANDLE-}"
}

get() {
    if value=$(keep session_get "$1"); then
        say "value $(session__encode "${value%x}")"
    else
        say none
    fi
}

# Their texts may have lines of their own, so one after the other.
messages() {
    rest=${FLASH_DATA-}
    while [ -n "$rest" ]; do
        case $rest in
            *'&'*) item=${rest%%&*}; rest=${rest#*&} ;;
            *) item=$rest; rest= ;;
        esac
        [ "${item%%=*}" != "$1" ] || say "message ${item#*=}"
    done
}

# Not by read alone, to which two blanks are one.
while read -r line; do
    order=${line%% *}
    rest=${line#"$order"}
    rest=${rest# }
    first=${rest%% *}
    second=${rest#"$first"}
    second=${second# }
    one=$(decode "$first")
    two=$(decode "$second")
    one=${one%x}
    two=${two%x}
    case $order in
        tell | get | messages) "$order" "$one" ;;
        set | append | flash)
            session_"$order" "$one" "$two" 2>/dev/null || say refused ;;
        incr)
            session_incr "$one" ${second:+"$two"} 2>/dev/null || say refused ;;
        *) session_"$order" ${first:+"$one"} 2>/dev/null || say refused ;;
    esac
done
printf 'Content-Type: text/plain\r\n\r\n%s' "$said"
