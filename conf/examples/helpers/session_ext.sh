# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# The session of mod_session_ext for CGI programs in shell (POSIX; needs od and
# awk). Source this file, then
#
#   name=$(session_get name) || name=stranger
#   session_set name 'Ann & Bob'            # these print header lines: so they
#   session_incr visits                     # come before the empty line that
#   session_flash info 'Saved'              # ends the head
#   printf 'Content-Type: text/plain\r\n\r\n'
#
# SESSION_STATUS, SESSION_USER, SESSION_HANDLE and SESSION_VERSION are variables,
# under suexec once this file is sourced. What is asked for is seen by the next
# request; of several calls for one key httpd applies Unset before Set, Append
# and Incr. Keys and values are bytes without NUL. What cannot be said ends with
# status 2 and a line on standard error.

# Programs under suexec are told by headers.
if [ -z "${SESSION_STATUS+set}" ] && [ -n "${HTTP_X_SESSION_STATUS+set}" ]; then
    SESSION_STATUS=$HTTP_X_SESSION_STATUS
    SESSION_HANDLE=${HTTP_X_SESSION_HANDLE-}
    SESSION_USER=${HTTP_X_SESSION_USER-}
    SESSION_VERSION=${HTTP_X_SESSION_VERSION-}
    FLASH_DATA=${HTTP_X_SESSION_FLASH-}
    export SESSION_STATUS SESSION_HANDLE SESSION_USER SESSION_VERSION FLASH_DATA
    session__from=HTTP_X_SESSION_DATA
else
    session__from=SESSION_DATA
fi

# All data as one form-encoded text: SESSION_DATA, or its parts.
session__data() {
    [ "$session__from" != SESSION_DATA ] || printf '%s' "${SESSION_DATA-}"
    session__n=1
    while eval "[ -n \"\${${session__from}_$session__n+set}\" ]"; do
        eval "printf '%s' \"\${${session__from}_$session__n}\""
        session__n=$((session__n + 1))
    done
}

# session__decode WANT [END]: of a form-encoded text on standard input the value
# of WANT, or with an END each of them with END behind it; status 1 if there is
# none.
session__decode() {
    SESSION__WANT=$1 SESSION__END=${2-} LC_ALL=C awk '
        function decode(s,    out, i, c) {
            gsub(/\+/, " ", s)
            out = ""
            while ((i = index(s, "%")) > 0) {
                c = (index(hex, tolower(substr(s, i + 1, 1))) - 1) * 16 \
                    + index(hex, tolower(substr(s, i + 2, 1))) - 1
                out = out substr(s, 1, i - 1) sprintf("%c", c)
                s = substr(s, i + 3)
            }
            return out s
        }
        BEGIN {
            hex = "0123456789abcdef"
            end = ENVIRON["SESSION__END"]
            RS = "&"
            none = 1
        }
        { sub(/\n$/, ""); i = index($0, "=") }
        i && decode(substr($0, 1, i - 1)) == ENVIRON["SESSION__WANT"] {
            printf "%s%s", decode(substr($0, i + 1)), end
            none = 0
            if (end == "") exit
        }
        END { exit none }'
}

# session_get KEY: its value; status 1 if there is none.
session_get() {
    session__data | session__decode "$1"
}

# session_messages LEVEL: the texts of the messages of this level for this page,
# one a line; status 1 if there is none.
session_messages() {
    printf '%s' "${FLASH_DATA-}" | session__decode "$1" '
'
}

# session__encode TEXT
session__encode() {
    session__lines '' '' "$1"
}

# session__lines FIRST MORE TEXT: header lines that begin with FIRST or MORE
# and hold the TEXT encoded, each of at most 8000 bytes, no %XX divided. Without
# FIRST only the encoded text.
session__lines() {
    printf '%s' "$3" | od -An -v -tx1 |
        SESSION__FIRST=$1 SESSION__MORE=$2 LC_ALL=C awk '
        BEGIN {
            for (i = 0; i < 256; i++) {
                c = i ? sprintf("%c", i) : "%"
                code[sprintf("%02x", i)] = c ~ /[A-Za-z0-9_.-]/ ? c \
                    : sprintf("%%%02X", i)
            }
            first = ENVIRON["SESSION__FIRST"]
            printf "%s", first
            room = 8000 - length(first)
        }
        {
            for (i = 1; i <= NF; i++) {
                c = code[$i]
                if (first != "" && room < length(c)) {
                    printf "\r\n%s", ENVIRON["SESSION__MORE"]
                    room = 8000 - length(ENVIRON["SESSION__MORE"])
                }
                printf "%s", c
                room -= length(c)
            }
        }
        END { if (first != "") printf "\r\n" }'
}

session__refuse() {
    echo "session_ext.sh: $1" >&2
    return 2
}

# session__key KEY: encoded, or status 2.
session__key() {
    session__len=$(LC_ALL=C; echo "${#1}")
    if [ "$session__len" -lt 1 ] || [ "$session__len" -gt 128 ]; then
        session__refuse 'a key of 1 to 128 bytes is accepted'
    else
        session__encode "$1"
    fi
}

# session_set KEY VALUE
session_set() {
    session__k=$(session__key "$1") || return 2
    session__lines "Session-Set: $session__k=" "Session-Append: $session__k=" "$2"
}

# session_append KEY PART
session_append() {
    session__k=$(session__key "$1") || return 2
    session__lines "Session-Append: $session__k=" \
        "Session-Append: $session__k=" "$2"
}

# session_unset KEY
session_unset() {
    session__k=$(session__key "$1") || return 2
    printf 'Session-Unset: %s\r\n' "$session__k"
}

# session_incr KEY [N]
session_incr() {
    session__k=$(session__key "$1") || return 2
    case ${2-1} in
        '' | - | *[!0-9-]* | ?*-* | 0?* | -0*)
            session__refuse 'a whole number is accepted' ;;
        *) printf 'Session-Incr: %s=%s\r\n' "$session__k" "${2-1}" ;;
    esac
}

# session_flash LEVEL TEXT
session_flash() {
    case $1 in
        '' | *[!abcdefghijklmnopqrstuvwxyz]*)
            session__refuse 'a level of letters a-z is accepted'
            return 2 ;;
    esac
    session__text=$(session__encode "$2")
    if [ $((${#1} + ${#session__text})) -gt 7900 ]; then
        session__refuse 'a message is longer than a header line'
    else
        printf 'Session-Flash: %s=%s\r\n' "$1" "$session__text"
    fi
}

# session_if_version [N]: data only at this version, that of now unless said.
session_if_version() {
    printf 'Session-If-Version: %s\r\n' "${1-${SESSION_VERSION:-0}}"
}

session_destroy() { printf 'Session-Destroy: on\r\n'; }
session_clear() { printf 'Session-Clear: on\r\n'; }
session_keep_flash() { printf 'Session-Flash-Keep: on\r\n'; }
session_logout() { printf 'Session-Logout: %s\r\n' "${1-all}"; } # or others
session_renew() { printf 'Session-Renew: %s\r\n' "${1-on}"; } # or discard
session_idle() { printf 'Session-Idle: %s\r\n' "${1-default}"; } # seconds
session_persist() { printf 'Session-Persist: %s\r\n' "${1-on}"; } # or off
