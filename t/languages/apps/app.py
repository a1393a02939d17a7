#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The app of SxTest::Languages in Python, as CGI."""

import sys

import orders
import session_ext

session = session_ext.Session()
text = orders.obey(session, sys.stdin.buffer.read())
print(session, end='')
print('Content-Type: text/plain\r\n\r\n' + text, end='')
