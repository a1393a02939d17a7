#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The app under test for the plain shell: the protocol of app.pl. The decoding
# is awk's: printf of a POSIX sh knows no \x, and a value may hold any byte.
LC_ALL=C
export LC_ALL

# Prints the decoded values of one instruction, each on a line.
values() {
    printf '%s' "$query" | awk -v want="$1" '
    function decode(text,    out, i, c) {
        gsub(/\+/, " ", text)
        out = ""
        for (i = 1; i <= length(text); i++) {
            c = substr(text, i, 1)
            if (c == "%") {
                c = sprintf("%c", (index(hex, toupper(substr(text, i + 1, 1))) \
                    - 1) * 16 + index(hex, toupper(substr(text, i + 2, 1))) - 1)
                i += 2
            }
            out = out c
        }
        return out
    }
    BEGIN { hex = "0123456789ABCDEF"; RS = "&" }
    index($0, want "=") == 1 { print decode(substr($0, length(want) + 2)) }'
}

stand_at() {
    base=$SXTEST_BARRIERS/$1
    printf x >>"$base.at"
    left=750
    while [ ! -e "$base.go" ] && [ "$left" -gt 0 ]; do
        sleep 0.02
        left=$((left - 1))
    done
}

head() {
    status=$(values status)
    type=$(values type)
    [ -n "$status" ] && printf 'Status: %s\r\n' "$status"
    values h | while IFS= read -r line; do
        printf '%s\r\n' "$line"
    done
    printf 'Content-Type: %s\r\n\r\n' "${type:-text/plain}"
}

environment() {
    awk '
    function encode(text,    out, i, c) {
        out = ""
        for (i = 1; i <= length(text); i++) {
            c = substr(text, i, 1)
            out = out (c ~ /[A-Za-z0-9_.~-]/ ? c : sprintf("%%%02X", code[c]))
        }
        return out
    }
    BEGIN {
        wanted = "^(SESSION|FLASH|SEALED|HTTP_|REDIRECT_|REMOTE_USER"
        wanted = wanted "|REQUEST_METHOD|SCRIPT)"
        for (i = 1; i < 256; i++)
            code[sprintf("%c", i)] = i
        for (name in ENVIRON)
            if (name ~ wanted)
                print name "=" encode(ENVIRON[name])
    }' | sort
}

query=$QUERY_STRING
if [ "$CONTENT_TYPE" = application/x-www-form-urlencoded ]; then
    query="$query&$(cat)"
fi
for name in $(values wait); do
    stand_at "$name"
done
for seconds in $(values sleep); do
    sleep "$seconds"
done
head
environment
printf 'BODY=%s' "$(values body)"
