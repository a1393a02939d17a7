#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The app of SxTest::Languages by WSGI: in CGI, on a port of its own, or for
another server."""

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


application = session_ext.Middleware(app)

if __name__ == '__main__' and len(sys.argv) > 1:
    # Both sides of the middleware must keep to the rules of WSGI.
    checked = validator(session_ext.Middleware(validator(app)))
    make_server('127.0.0.1', int(sys.argv[1]), checked).serve_forever()
elif __name__ == '__main__':
    CGIHandler().run(application)
