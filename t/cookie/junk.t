# SPDX-License-Identifier: Apache-2.0
# K1: Cookie is split on ';' only, names are compared byte by byte, and no
# junk around the id hides it or is taken for it.
use SxTest;

my $b = SxTest->browser;
$b->get('/s/cgi/app', h => ['Session-Set: a=1']);
my $id = $b->cookie('sid');
my $PAGE = '/s/ssi/env.shtml';

# The status of a request with exactly these Cookie bytes.
sub status
{
    my ($cookie) = @_;
    return SxTest->browser->get($PAGE, header => { Cookie => $cookie })
        ->env('SESSION_STATUS');
}

sub flipped { return $_[0] =~ tr/A-Za-z/a-zA-Z/r }

my $other = substr($id, 0, 47) . (substr($id, 47) eq 'A' ? 'B' : 'A');
my @ACTIVE = (
    ['alone', "sid=$id"],
    ['first of two', "sid=$id; a=1"],
    ['last of two', "a=1; sid=$id"],
    ['without a blank', "a=1;sid=$id;b=2"],
    ['among blanks and tabs', "a=1 ;\t sid=$id \t; b=2"],
    ['behind a blank name', " sid=$id"],
    ['among empty pairs', ";;; ;sid=$id;;"],
    ['behind a pair without a name', "=x; sid=$id"],
    ['behind a word', "word; sid=$id"],
    ['behind quotes', qq{a="x; sid=$id}],
    ['behind a value with commas', "a=1,2, sid=3; sid=$id"],
    ['behind raw bytes', "a=\xFF\xFE\x80; sid=$id"],
    ['behind names like its own',
        "SID=x; Sid=y; sid2=z; xsid=w; sid =; sid=$id"],
    ['behind junk of its name', "sid=junk; sid=$id"],
    ['in front of junk of its name', "sid=$id; sid="],
    ['beside a forged one', "sid=$other; sid=$id"],
    ['twice the same', "sid=$id; sid=$id"],
    ['behind 700 pairs', join('; ', map { "a$_=1" } 1 .. 700) . "; sid=$id"],
);
my @NOT_ACTIVE = (
    [none => 'no cookie', undef],
    [none => 'an empty header', ''],
    [none => 'another case of the name', "SID=$id"],
    [none => 'a longer name', "sid2=$id"],
    [none => 'a blank inside the name', "s id=$id"],
    [none => 'an escaped name', "%73id=$id"],
    [none => 'a quoted name', qq{"sid"=$id}],
    [none => 'a comma in front', "a=1, sid=$id"],
    [none => 'no =', "sid $id"],
    [none => 'behind another value', "a=sid=$id"],
    [invalid => 'no value', 'sid='],
    [invalid => 'one character less', 'sid=' . substr $id, 0, 47],
    [invalid => 'one character less in front', 'sid=' . substr $id, 1],
    [invalid => 'one character more', "sid=${id}A"],
    [invalid => 'a = behind', "sid=$id="],
    [invalid => 'quotes', qq{sid="$id"}],
    [invalid => 'the other case', 'sid=' . flipped($id)],
    [invalid => 'an escape',
        'sid=%' . sprintf('%02X', ord $id) . substr $id, 1],
    [invalid => 'a comma behind', "sid=$id, a=1"],
    [invalid => 'twice in one', "sid=$id$id"],
    [invalid => 'raw bytes', "sid=\xFF" . substr $id, 1],
    [invalid => 'a blank inside', 'sid=' . substr($id, 0, 24) . ' '
        . substr $id, 24],
    [invalid => 'another alphabet', 'sid=' . $other =~ tr{-_}{+/}r],
    [invalid => 'a value of 8000 bytes', 'sid=' . 'A' x 8000],
);

is(status($_->[1]), 'active', "the id is found $_->[0]") for @ACTIVE;
is(status($_->[2]), $_->[0], "$_->[1] is no id: $_->[0]") for @NOT_ACTIVE;
is(SxTest::raw("GET $PAGE HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    . "Cookie: a=1\r\nCookie: sid=$id\r\n\r\n") =~ /SESSION_STATUS=active/, '',
    'two Cookie lines are joined by a comma, which separates nothing');

# Linear: as many bytes as a request may have, all of them separators.
my $began = Time::HiRes::time();
status(';' x 8000) for 1 .. 20;
status('sid=;' x 1600) for 1 .. 20;
cmp_ok(Time::HiRes::time() - $began, '<', 4, 'junk costs no time');
SxTest::done();
