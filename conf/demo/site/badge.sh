#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The number beside "Cart" on the static page, which includes this.
set -u
# shellcheck source=../lib/shop.sh disable=SC1091
. ../lib/shop.sh

printf 'Content-Type: text/html\r\n\r\n'
count=$(count_cart)
[ "$count" = 0 ] || printf '<b class="badge">%s</b>' "$count"
