# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# What the shop's shell scripts share: sourced from site/*.sh. A session is
# read from variables and written with echo; that is all a shell needs.
LC_ALL=C
export LC_ALL

sent=

escape() {
    printf '%s' "$1" |
        sed 's/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g; s/"/\&quot;/g'
}

# Blanks as +, every other byte but letters, digits and - . _ as %XX.
encode() {
    printf '%s' "$1" | od -An -v -tu1 | tr -s ' ' '\n' | while read -r byte; do
        case $byte in
            '') ;;
            32) printf + ;;
            4[5-6] | 4[89] | 5[0-7] | 6[5-9] | [78]? | 90 | 95 | 9[7-9] | \
                10? | 11? | 12[0-2])
                # shellcheck disable=SC2059 # the octal escape is the format
                printf "\\$(printf '%03o' "$byte")" ;;
            *) printf '%%%02X' "$byte" ;;
        esac
    done
}

# Writing: session_header NAME VALUE, the value urlencoded by the caller.
session_header() {
    printf '%s: %s\r\n' "$1" "$2"
    sent="$sent | $1: $2"
}

# The value of the session's key $1. Only called with names fixed here.
session_value() {
    eval "printf '%s' \"\${SESSION_VAR_$1-}\""
}

# The same rule as in the other languages: see Shop.pm.
same_site() {
    if [ -n "${HTTP_SEC_FETCH_SITE-}" ]; then
        [ "$HTTP_SEC_FETCH_SITE" = same-origin ]
    else
        case ${HTTP_ORIGIN-} in
            '' | "http://${HTTP_HOST-}" | "https://${HTTP_HOST-}") ;;
            *) return 1 ;;
        esac
    fi
}

# Every POST ends here: redirect TO LEVEL MESSAGE. See Shop.pm.
redirect() {
    session_header Session-Flash "$2=$(encode "$3")"
    printf 'Session-Flash: sent=%s\r\n' \
        "$(encode "$REQUEST_METHOD $SCRIPT_NAME$sent")"
    printf 'Status: 303 See Other\r\nLocation: %s\r\n' "$1"
    printf 'Content-Type: text/plain\r\n\r\n'
    exit 0
}

# refuse STATUS SENTENCE
refuse() {
    printf 'Status: %s\r\nContent-Type: text/plain\r\n\r\n%s\n' "$1" "$2"
    exit 0
}

count_cart() {
    sum=0
    while IFS='	' read -r id _; do
        count=$(session_value "cart_$id")
        case $count in
            '' | *[!0-9]*) ;;
            *) sum=$((sum + count)) ;;
        esac
    done <../lib/catalogue.tsv
    echo "$sum"
}

flashes() {
    n=1
    while [ "$n" -le "${FLASH_COUNT:-0}" ]; do
        eval "level=\${FLASH_${n}_LEVEL-} text=\${FLASH_${n}_TEXT-}"
        # shellcheck disable=SC2154 # both were set by eval
        [ "$level" = sent ] || printf \
            '<p class="flash %s" role="status">%s</p>\n' \
            "$(escape "$level")" "$(escape "$text")"
        n=$((n + 1))
    done
}

# page_top TITLE
page_top() {
    badge=$(count_cart)
    [ "$badge" = 0 ] && badge= || badge=" <b class=\"badge\">$badge</b>"
    printf 'Content-Type: text/html; charset=utf-8\r\n\r\n'
    cat <<HTML
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$1 · Six Teas</title>
<link rel="stylesheet" href="/style.css">
<link rel="icon" href="/cup.svg">
<a class="skip" href="#main">Skip to the content</a>
<header class="top">
<a class="brand" href="/"><img src="/cup.svg" alt="" width="32" height="32">
Six Teas</a>
<nav aria-label="Shop"><ul>
<li><a href="/shop.pl">Teas <small>Perl</small></a>
<li><a href="/shop.pl/cart">Cart$badge <small>Perl</small></a>
<li><a href="/recent.sh" aria-current="page">Recent <small>sh</small></a>
<li><a href="/account.php">Account <small>PHP</small></a>
</ul></nav>
</header>
<main id="main">
HTML
    flashes
}

# list "REQUEST | Name: value | …"
list() {
    IFS='|'
    set -f
    # shellcheck disable=SC2086 # cut at the bars
    set -- $1
    unset IFS
    printf '<h4>%s, before the redirect (in FLASH_sent)</h4>\n<ul>\n' "$(escape "${1% }")"
    shift
    for line; do
        line=${line# }
        printf '<li><code>%s</code>\n' "$(escape "${line% }")"
    done
    echo '</ul>'
}

# One variable, if it is set.
row() {
    eval "value=\${$1-}"
    # shellcheck disable=SC2154 # set by eval
    [ -z "$value" ] || printf '<dt>%s<dd>%s\n' "$1" "$(escape "$value")"
}

# The foot of each page: what was answered, and what was seen. The names are
# a fixed list: in the output of env, a line break inside some other variable
# could pose as a variable of ours.
page_end() {
    echo '</main><footer class="trace"><h2>What just happened</h2>'
    echo '<div class="columns"><section>'
    echo '<h3>The app answered with headers</h3>'
    [ -z "${FLASH_sent-}" ] || list "$FLASH_sent"
    echo '<p>This page sent none: reading a session writes nothing.</p>'
    echo '</section><section><h3>It saw in its environment</h3><dl>'
    for name in FLASH_info FLASH_success FLASH_warning; do
        row "$name"
    done
    for name in CREATED DATA EXPIRES HANDLE IDLE_LEFT LAST_ACCESS STATUS \
        USER; do
        row "SESSION_$name"
    done
    while IFS='	' read -r id _; do
        row "SESSION_VAR_cart_$id"
    done <../lib/catalogue.tsv
    for key in last_order note orders seen user views; do
        row "SESSION_VAR_$key"
    done
    row SESSION_VERSION
    echo '</dl></section></div>'
    echo '<p>Written by a <b>/bin/sh</b> CGI: <code>recent.sh</code>.</p>'
    echo '</footer></html>'
}
