# SPDX-License-Identifier: Apache-2.0
"""What the apps of SxTest::Languages in Python do."""

import os
import sys
from urllib.parse import quote, unquote_plus

sys.path.append(os.path.dirname(os.path.abspath(__file__)) + '/../helpers')


def _encode(text):
    return quote(text, safe='', errors='surrogateescape')


def _read(session, order, words):
    if order == 'tell':
        return ['%s %s' % (name, _encode(str(value)))
                for name, value in (('status', session.status),
                                    ('version', session.version),
                                    ('user', session.user or ''),
                                    ('handle', session.handle or ''))]
    if order == 'get':
        value = session.get(words[0])
        return ['none' if value is None else 'value ' + _encode(value)]
    return ['message ' + _encode(text) for level, text in session.messages
            if level == words[0]]


def _ask(session, order, words):
    if order == 'set':
        return session.set({words[0]: words[1]})
    if order == 'incr':
        return session.incr(words[0], *map(int, words[1:]))
    if order == 'persist':
        return session.persist(words[0] == 'on')
    if order == 'renew':
        return session.renew(discard=words == ['discard'])
    return getattr(session, order)(*words)


def obey(session, body):
    said = []
    for line in body.decode('ascii').splitlines():
        order, *words = line.split(' ')
        words = [unquote_plus(word, errors='surrogateescape')
                 for word in words]
        if order in ('tell', 'get', 'messages'):
            said += _read(session, order, words)
            continue
        try:
            _ask(session, order, words)
        except (ValueError, TypeError):
            said.append('refused')
    return ''.join(line + '\n' for line in said)
