#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# For curl: POST note=TEXT keeps a note, GET reads it back as plain text.
set -u
# shellcheck source=../lib/shop.sh disable=SC1091
. ../lib/shop.sh

if [ "$REQUEST_METHOD" = POST ]; then
    same_site || refuse '403 Forbidden' 'That form came from another site.'
    # A form field is urlencoded, and so is the header: no decoding needed.
    body=$(head -c 512)
    case $body in
        note=*[!A-Za-z0-9%+._*-]* | [!n]* | '') body= ;;
        note=*) body=${body#note=} ;;
        *) body= ;;
    esac
    [ -n "$body" ] || refuse '400 Bad Request' 'Send one field: note=TEXT'
    session_header Session-Set "note=$body"
    redirect /note.sh info 'The note is kept.'
fi

printf 'Content-Type: text/plain; charset=utf-8\r\n\r\n'
for name in SESSION_STATUS SESSION_HANDLE SESSION_VERSION SESSION_IDLE_LEFT \
    SESSION_USER SESSION_VAR_note FLASH_info; do
    eval "value=\${$name-}"
    # shellcheck disable=SC2154 # set by eval
    [ -z "$value" ] || printf '%s=%s\n' "$name" "$value"
done
