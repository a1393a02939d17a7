#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Ends the session: the record is gone and the cookie deleted. The farewell
# travels in a new, empty session.
set -u
# shellcheck source=../lib/shop.sh disable=SC1091
. ../lib/shop.sh

[ "$REQUEST_METHOD" = POST ] ||
    refuse '405 Method Not Allowed' 'To log out, press the button.'
same_site || refuse '403 Forbidden' 'That form came from another site.'
session_header Session-Destroy on
redirect / success 'You are logged out, and your cart is gone.'
