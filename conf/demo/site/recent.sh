#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What the visitor has looked at: written by the Perl script, read here.
set -u
# shellcheck source=../lib/shop.sh disable=SC1091
. ../lib/shop.sh

if [ "$REQUEST_METHOD" = POST ]; then
    same_site || refuse '403 Forbidden' 'That form came from another site.'
    session_header Session-Unset 'seen, views'
    redirect /recent.sh info Forgotten.
fi

page_top Recent
echo '<h1>Where you have been</h1>'
views=$(session_value views)
seen=$(session_value seen)
if [ -z "$seen" ]; then
    echo '<p class="lead">Nowhere yet.'
    echo '<a href="/shop.pl">Look at a tea</a>, and come back.</p>'
else
    printf '<p class="lead">Tea pages opened in this session: <b>%s</b>.\n' \
        "$(escape "$views")"
    echo 'The last ones:</p><ol class="recent">'
    for id in $seen; do
        while IFS='	' read -r known name origin _; do
            [ "$known" = "$id" ] && printf \
                '<li><a href="/shop.pl/%s">%s</a> <span>%s</span>\n' \
                "$known" "$name" "$origin"
        done <../lib/catalogue.tsv
    done
    echo '</ol><form method="post" action="/recent.sh">'
    echo '<button>Forget them</button></form>'
fi
page_end
