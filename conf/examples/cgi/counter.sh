#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

printf 'Session-Incr: visits=1\r\n'
printf 'Content-Type: text/plain\r\n\r\n'
echo "Visits before this one: ${SESSION_VAR_visits:-0}"
