# SPDX-License-Identifier: Apache-2.0
"""The app on Django's sessions: a project in one file, for gunicorn.

COMPARE_DIR is where it keeps its database and files, COMPARE_ENGINE the backend
of its sessions. Run as a program it makes the tables.
"""
import os
import time

import django
from django.conf import settings

DIR = os.environ['COMPARE_DIR']
settings.configure(
    ALLOWED_HOSTS=['localhost'],
    DATABASES={'default': {
        'ENGINE': 'django.db.backends.sqlite3',
        'NAME': os.path.join(DIR, 'django.db'),
        'OPTIONS': {'timeout': 20},
    }},
    INSTALLED_APPS=['django.contrib.sessions'],
    MIDDLEWARE=['django.contrib.sessions.middleware.SessionMiddleware'],
    ROOT_URLCONF=__name__,
    SECRET_KEY='of the comparison',
    SESSION_ENGINE='django.contrib.sessions.backends.'
                   + os.environ['COMPARE_ENGINE'],
    SESSION_FILE_PATH=DIR,
)
django.setup()

from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.http import HttpResponse  # noqa: E402
from django.urls import path  # noqa: E402


def stand_at(name):
    """Stops until the runner lets it go."""
    base = os.path.join(os.environ['SXTEST_BARRIERS'], name)
    with open(base + '.at', 'a') as at:
        at.write('x')
    for _ in range(3000):
        if os.path.exists(base + '.go'):
            return
        time.sleep(0.005)


def login(request):
    request.session.cycle_key()
    request.session['user'] = 'alice'
    request.session['n'] = 0


def read(request):
    pass


def add(request):
    n = request.session.get('n', 0)
    time.sleep(0.005)
    request.session['n'] = n + 1


def late(request):
    stand_at(request.GET['wait'])
    request.session['late'] = 1


def logout(request):
    request.session.flush()


DOES = {f.__name__: f for f in (login, read, add, late, logout)}


def view(request):
    user = request.session.get('user', '')
    n = request.session.get('n', '')
    DOES[request.GET['do']](request)
    return HttpResponse(f'user={user} n={n}\n', content_type='text/plain')


urlpatterns = [path('', view)]

if __name__ == '__main__':
    call_command('migrate', verbosity=0)
else:
    application = get_wsgi_application()
