# SPDX-License-Identifier: Apache-2.0
# Secrets of modules: apps, expressions and logs see that there is one, and not
# what it is; only modules do.
use SxTest;
use SxTest::Calls;

my $s = SxTest::Calls::server(conf => <<'CONF')->start;
<Location "/s/">
    Header set X-Token "expr=[%{session:token}]"
    SessionExtRequestHeaders On
</Location>
CONF
my $b = $s->browser;

sub make { return SxTest::Calls::make($s, $b, '/s/calls/', [@_]) }

my (undef, @said) = make('fixups hide token s3cret', 'fixups set name ann',
    'fixups reveal token');
is("@said", 'ok ok 0 -', 'a secret is set');
(undef, @said) = make('fixups reveal token', 'log reveal token',
    'fixups get token', 'fixups bytes token', 'fixups reveal name');
is(join(', ', @said), '6 s3cret, 6 s3cret, -, 0 -, 0 -',
    'a module that asks for a secret gets it, and nothing else');
my $r = $b->get('/s/cgi/app');
unlike($r->body, qr/s3cret/, 'an app does not see it');
is($r->env('SESSION_DATA'), 'name=ann', 'in its data');
is($r->env('SESSION_ENV_OMITTED'), 'token', 'but that it is there');
is($r->header('X-Token'), '[]', 'nor does an expression');

$b->get('/s/cgi/app', h => ['Session-Set: token=planted']);
$r = $b->get('/s/cgi/app');
unlike($r->body, qr/s3cret|planted/, 'what an app puts in its place is one, too');
(undef, @said) = make('fixups reveal token');
is("@said", '7 planted', 'which the module finds');
make('fixups set token again');
(undef, @said) = make('fixups reveal token');
is("@said", '5 again', 'as what a module sets as if it was none');
make('fixups unset token', 'fixups set token open');
(undef, @said) = make('fixups reveal token', 'fixups get token');
is("@said", '0 - open', 'unset first it is a secret no more');
make('fixups hide name x');
is($b->get('/s/cgi/app')->env('SESSION_VAR_name'), undef,
    'and what was open may become one');
(undef, @said) = SxTest::Calls::make($s, $b, '/off/calls/',
    ['fixups reveal token', 'fixups hide token x']);
is("@said", '0 - off', 'where sessions are off there is none');
SxTest::done();
