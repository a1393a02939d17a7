# SPDX-License-Identifier: Apache-2.0
"""python3 counter.py [PORT]; any other WSGI server takes `application`."""

import os
import sys
from wsgiref.simple_server import make_server

sys.path.append(os.path.dirname(__file__) + '/../helpers')
import session_ext


def counter(environ, start_response):
    session = environ['session_ext.session']
    before = session.get('visits', '0')
    session.incr('visits')
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [b'Visits before this one: %s\n' % before.encode()]


application = session_ext.Middleware(counter)

if __name__ == '__main__':
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 3000
    make_server('127.0.0.1', port, application).serve_forever()
