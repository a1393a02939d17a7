#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The app of SxTest::Languages by WSGI: in CGI, or on a port of its own."""

import sys
from wsgiref.handlers import CGIHandler
from wsgiref.simple_server import make_server
from wsgiref.validate import validator

import orders
import session_ext


def app(environ, start_response):
    body = environ['wsgi.input'].read(int(environ['CONTENT_LENGTH']))
    text = orders.obey(environ['session_ext.session'], body)
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [text.encode('ascii')]


if len(sys.argv) > 1:
    # Both sides of the middleware must keep to the rules of WSGI.
    checked = validator(session_ext.Middleware(validator(app)))
    make_server('127.0.0.1', int(sys.argv[1]), checked).serve_forever()
else:
    CGIHandler().run(session_ext.Middleware(app))
