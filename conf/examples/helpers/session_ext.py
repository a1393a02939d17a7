# SPDX-License-Identifier: Apache-2.0
"""The session of mod_session_ext for Python.

WSGI, under any server behind httpd, or in CGI by wsgiref.handlers:

    application = session_ext.Middleware(application)
    ...
    session = environ['session_ext.session']
    visits = session.get('visits', '0')
    session.set(name='Ann').incr('visits').flash('info', 'Saved')

A CGI program without WSGI:

    session = session_ext.Session()
    print(session, end='')          # its header lines, before all others

What is asked for is seen by the next request, and only if it is asked for
before the response is started. Texts are UTF-8; what is not comes and goes as
surrogates do in os.environ, or as bytes.
"""

import os
import re
from urllib.parse import parse_qsl, quote_plus

_LINE = 8000  # bytes of a header line that every gateway takes


def _encode(value):
    if isinstance(value, bool) or not isinstance(value, (str, bytes, int)):
        raise TypeError('accepted are str, bytes and int')
    if isinstance(value, bytes):
        return quote_plus(value)
    return quote_plus(str(value), errors='surrogateescape')


def _encode_key(key):
    text = _encode(key)
    if not 1 <= len(re.sub('%..', 'x', text)) <= 128:
        raise ValueError('a key of 1 to 128 bytes is accepted')
    return text


def _decode(text):
    return parse_qsl(text, keep_blank_values=True, errors='surrogateescape')


def _lines(name, items):
    """Items joined by '&' into as many lines as it takes."""
    lines = []
    for item in items:
        if lines and len(name) + len(lines[-1]) + len(item) + 3 <= _LINE:
            lines[-1] += '&' + item
        else:
            lines.append(item)
    return [(name, line) for line in lines]


def _pieces(key, text):
    """A value in pairs that fit a line, no %XX divided."""
    room = _LINE - len('Session-Append: =' + key)
    pattern = '(?s).{1,%d}(?<!%%)(?<!%%.)' % room
    return [key + '=' + piece for piece in re.findall(pattern, text) or ['']]


class Session:
    def __init__(self, environ=None):
        env = os.environ if environ is None else environ
        # HTTP backends, and programs under suexec, are told by headers.
        http = '' if 'SESSION_STATUS' in env else 'HTTP_X_'

        def told(name, default=None):
            return env.get(http + name, default)

        self.status = told('SESSION_STATUS', 'none')
        self.active = self.status == 'active'
        self.handle = told('SESSION_HANDLE')
        self.version = int(told('SESSION_VERSION', 0))
        self.user = told('SESSION_USER')
        if self.user is not None and 'wsgi.version' in env:
            self.user = self.user.encode('latin-1').decode(
                'utf-8', 'surrogateescape')
        text, part = told('SESSION_DATA', ''), 1
        while told('SESSION_DATA_%d' % part) is not None:
            text += told('SESSION_DATA_%d' % part)
            part += 1
        self.data = dict(_decode(text))
        #: (level, text) of each message for this page
        self.messages = _decode(
            told('SESSION_FLASH' if http else 'FLASH_DATA', ''))
        self._once, self._keys, self._flash = {}, {}, []

    def get(self, key, default=None):
        return self.data.get(key, default)

    # Asking for changes: each returns the session.

    def _key(self, key):
        return self._keys.setdefault(_encode_key(key), {})

    def set(self, pairs=(), **more):
        for key, value in dict(pairs, **more).items():
            value = _encode(value)
            self._keys[_encode_key(key)] = {'set': value}
        return self

    def unset(self, *keys):
        for key in keys:
            self._keys[_encode_key(key)] = {'unset': True}
        return self

    def append(self, key, part):
        part, wish = _encode(part), self._key(key)
        wish['append'] = wish.get('append', '') + part
        return self

    def incr(self, key, by=1):
        if isinstance(by, bool) or not isinstance(by, int):
            raise TypeError('a whole number is accepted')
        wish = self._key(key)
        wish['incr'] = wish.get('incr', 0) + by
        return self

    def clear(self):
        self._keys.clear()
        return self._ask('Clear', 'on')

    def flash(self, level, text):
        if not re.fullmatch('[a-z]{1,32}', level):
            raise ValueError('a level of 1 to 32 letters a-z is accepted')
        pair = level + '=' + _encode(text)
        if len(pair) > _LINE - 20:
            raise ValueError('a message is longer than a header line')
        self._flash.append(pair)
        return self

    def _ask(self, name, value):
        self._once['Session-' + name] = str(value)
        return self

    def if_version(self, version=None):
        """Data only if the session is at this version, that of now."""
        return self._ask('If-Version',
                         self.version if version is None else version)

    def destroy(self):
        return self._ask('Destroy', 'on')

    def logout(self, who='all'):
        return self._ask('Logout', who)

    def renew(self, discard=False):
        return self._ask('Renew', 'discard' if discard else 'on')

    def idle(self, seconds='default'):
        return self._ask('Idle', seconds)

    def persist(self, on=True):
        return self._ask('Persist', 'on' if on else 'off')

    def keep_flash(self):
        return self._ask('Flash-Keep', 'on')

    def headers(self):
        """What is asked for, as a list of (name, value)."""
        unset, sets, append, incr = [], [], [], []
        for key, wish in self._keys.items():
            if 'unset' in wish:
                unset.append(key)
            if 'set' in wish:
                first, *rest = _pieces(key, wish['set'])
                sets.append(first)
                append += rest
            if 'append' in wish:
                append += _pieces(key, wish['append'])
            if 'incr' in wish:
                incr.append('%s=%d' % (key, wish['incr']))
        return (list(self._once.items()) + _lines('Session-Unset', unset) +
                _lines('Session-Set', sets) +
                _lines('Session-Append', append) +
                _lines('Session-Incr', incr) +
                _lines('Session-Flash', self._flash))

    def __str__(self):
        return ''.join('%s: %s\r\n' % pair for pair in self.headers())


class Middleware:
    """WSGI: environ['session_ext.session'] for an application."""

    def __init__(self, application):
        self.application = application

    def __call__(self, environ, start_response):
        session = environ['session_ext.session'] = Session(environ)

        def start(status, headers, *exc_info):
            return start_response(status, headers + session.headers(),
                                  *exc_info)

        return self.application(environ, start)
