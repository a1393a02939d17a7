# SPDX-License-Identifier: Apache-2.0
# mod_auth_form keeps its log-in in our session: the id is new then, and at
# log-out, what was there stays, the password is shown to no app, and caches and
# browsers are told once.
use SxTest;
use SxTest::ModSession qw(server log_in on form $PASSWORD);

my $s = server("SessionExtUserKey Shop-user\n<Location \"/site/\">\n"
    . on(form('AuthFormSitePassphrase sesame', 'SessionEnv On',
        'Require valid-user')) . "</Location>\n"
    . "<Location \"/other/\">\n" . on(form('AuthName Other',
        'Require valid-user')) . "</Location>\n"
    . "<Location \"/other/logout\">\nSetHandler form-logout-handler\n"
    . "Require all granted\n</Location>\n"
    . "<Location \"/seen/\">\nSessionExt On\nHeader set X-Seen "
    . "\"expr=%{session:Shop-user}:%{session:Shop-pw}\"\n</Location>\n"
    . "<Location \"/guess/\">\nSessionExt On\n"
    . "Require session-key Shop-pw $PASSWORD\n</Location>\n");
$s->start;

sub set_cookies { return scalar(() = $_[0]->headers('Set-Cookie')) }

# A visitor who has something already.
my $b = $s->browser;
$b->get('/open/cgi/app', h => ['Session-Set: cart=3']);
my ($planted, $id) = ($b->clone, $b->cookie('sid'));
my $r = $b->get('/form/cgi/app');
is($r->status, 401, 'nobody is asked to log in');
is(set_cookies($r), 0, 'and asking changes no cookie');
$r = log_in($b, 'ann', field => { httpd_password => 'guess' });
is($r->status, 401, 'a wrong password does not log in');
is($b->cookie('sid'), $id, 'and changes no cookie');

$r = log_in($b, 'ann', field => { httpd_location => '/form/cgi/app' });
is($r->status, 302, 'a log-in leads on');
is(set_cookies($r), 1, 'and sets one cookie');
is($r->header('Cache-Control'), 'no-store', 'which no cache may keep');
isnt($b->cookie('sid'), $id, 'the id is a new one');
is($planted->get('/open/cgi/app')->env('SESSION_STATUS'), 'invalid',
    'who has planted the old one has nothing');
is($planted->get('/form/cgi/app')->status, 401, 'and is not logged in');

$r = $b->get('/form/cgi/app');
is($r->status, 200, 'who has logged in is let in');
is($r->env('REMOTE_USER'), 'ann', 'by name');
is($r->env('SESSION_USER'), 'ann', 'which is that of the session');
is($r->env('SESSION_VAR_cart'), '3', 'what was there before still is');
is($r->env('SESSION_DATA'), 'cart=3&Shop-user=ann',
    'what mod_auth_form has stored is there as data');
is($r->env('SESSION_ENV_OMITTED'), 'Shop-pw', 'but for the password');
is(set_cookies($r), 0, 'and no cookie is set');
is((grep { /$PASSWORD/ } values %{ $r->envs })[0], undef,
    'which is in no variable at all');

is($b->get('/seen/static/1k.txt')->header('X-Seen'), 'ann:',
    'nor does an expression see it');
is($b->get('/guess/static/1k.txt')->status, 403, 'nor can it be asked for');

# Caches: mod_auth_form has looked into the session, even for a plain file.
$r = $b->get('/form/static/1k.txt');
is($r->status, 200, 'a file is served to who has logged in');
like($r->header('Vary') // '', qr/\bCookie\b/, 'and varies by cookie');
like($r->header('Cache-Control') // '', qr/\bprivate\b/, 'and is private');
is(set_cookies($r), 0, 'without a cookie');
$r = $b->get('/open/static/1k.txt');
is($r->header('Vary') // '', '', 'one where nobody has looked does not');
is($r->header('Cache-Control') // '', '', 'and is for all');

# The log-out keeps what is not of the log-in.
($planted, $id) = ($b->clone, $b->cookie('sid'));
$r = $b->get('/form/logout');
is($r->status, 307, 'a log-out leads on');
is(set_cookies($r), 1, 'and sets one cookie');
isnt($b->cookie('sid') // '', $id, 'the id is a new one again');
is($b->get('/form/cgi/app')->status, 401, 'and nobody is logged in');
is($planted->get('/form/cgi/app')->status, 401, 'by the old id neither');
$r = $b->get('/open/cgi/app');
is($r->env('SESSION_DATA'), 'cart=3', 'what was there before the log-in stays');
is($r->env('SESSION_USER'), undef, 'without a user');

# Where the log-in was all, its end is the end of the session.
$b = $s->browser;
$r = log_in($b, 'bob', path => '/form/cgi/app',
    field => { httpd_location => '/form/cgi/app' });
is($r->status, 302, 'a log-in at the page itself leads on');
is($b->get('/form/cgi/app')->env('SESSION_USER'), 'bob', 'and is one');
my $late = $b->clone;
$r = $b->get('/form/logout');
is($b->cookie('sid'), undef, 'a log-out that leaves nothing deletes the cookie');
is($late->get('/open/cgi/app')->env('SESSION_STATUS'), 'invalid',
    'and the session');

# All sessions of a user end by a header of an app, wherever they are.
my @of_bob = map { $s->browser } 1, 2;
log_in($_, 'bob') for @of_bob;
is($of_bob[0]->get('/form/cgi/app', h => ['Session-Logout: others'])->status,
    200, 'an app may log out the others');
is($of_bob[1]->get('/form/cgi/app')->status, 401, 'and they are');
is($of_bob[0]->get('/form/cgi/app')->status, 200, 'but not this one');

# An AuthName beside the one that names the session's user.
$b = $s->browser;
log_in($b, 'bob');
for my $step (qw(in out)) {
    $id = $b->cookie('sid');
    log_in($b, 'ann', path => '/other/cgi/app',
        field => { httpd_location => '/other/cgi/app' }) if $step eq 'in';
    is($b->get('/other/cgi/app')->status, 200, 'it has log-ins of its own');
    is($b->get('/form/cgi/app')->env('SESSION_USER'), 'bob',
        'of which the session\'s user is none');
    $b->get('/other/logout') if $step eq 'out';
    isnt($b->cookie('sid'), $id, "a log-$step there renews the id all the same");
}
is($b->get('/other/cgi/app')->status, 401, 'and is one');
is($b->get('/form/cgi/app')->status, 200, 'which leaves the others alone');

# Where mod_auth_form need see the password but once.
$b = $s->browser;
log_in($b, 'ann', path => '/site/cgi/app',
    field => { httpd_location => '/site/cgi/app' });
$r = $b->get('/site/cgi/app');
is($r->status, 200, 'by a passphrase of the site one is let in as well');
is($r->env('SESSION_ENV_OMITTED'), 'Shop-pw,Shop-site', 'which no app is shown');
is($r->env('HTTP_SESSION'), 'Shop-user=ann', 'by SessionEnv neither');

# At rest.
my ($file) = grep { -f } glob $s->runtime_dir . '/*.shm';
open my $in, '<:raw', $file or die "$file: $!\n";
my $bytes = do { local $/; <$in> };
cmp_ok(length $bytes, '>', 1_000_000, 'the store is there to be read');
unlike($bytes, qr/$PASSWORD/, 'without the password');
unlike($s->error_log, qr/$PASSWORD/, 'nor has the log it');
SxTest::done();
