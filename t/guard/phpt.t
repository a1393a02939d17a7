#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The run of PHP's own tests works: its short form has tests made here, sees
# which of them pass on what, and fails when the list of those left out is
# wrong.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lint", "$FindBin::Bin/../php/lib";
use Test::More;
use File::Temp qw(tempdir);
use House;
use Phpt::Exclude;
use Phpt::Judge;

my $dir = tempdir(CLEANUP => 1);
my $tests = "$dir/source/src/ext/session/tests";
system('mkdir', '-p', $tests) == 0 or die;
my ($run_tests) = glob '/usr/lib/php/*/build/run-tests.php';
ok($run_tests, "PHP's run-tests.php is there")
    or BAIL_OUT('php-dev is missing');
system('cp', $run_tests, "$dir/source/src") == 0 or die;

# ---- tests -------------------------------------------------------------------
sub phpt
{
    my ($name, $code, $expect) = @_;
    spew("$tests/$name.phpt", "--TEST--\n$name\n--EXTENSIONS--\nsession\n"
            . "--INI--\nsession.save_handler=files\nsession.use_cookies=0\n"
            . "session.use_strict_mode=0\nsession.cache_limiter=\n"
            . "--FILE--\n<?php\n$code--EXPECT--\n$expect\n");
    return;
}
phpt('keeps', <<'END', 'int(1)');
session_start();
$_SESSION['n'] = 1;
session_write_close();
$_SESSION = [];
session_start();
var_dump($_SESSION['n']);
session_destroy();
END
phpt('names', <<'END', 'string(5) "files"');
var_dump(ini_get('session.save_handler'));
END
phpt('writes-file', <<'END', 'bool(true)');
session_start();
var_dump(is_file(getenv('TMPDIR') . '/sess_' . session_id()));
END
phpt('own-id', <<'END', 'string(3) "abc"');
session_id('abc');
session_start();
var_dump(session_id());
END
phpt('wrong', "echo 'yes';\n", 'no');

# Exit status and all output of a run that leaves these out.
sub run_with
{
    my ($exclude) = @_;
    spew("$dir/exclude", $exclude);
    local $ENV{SXTEST_BUILD} = build();
    my $command = join ' ', map { "'$_'" } $^X, top() . '/t/php/phpt.pl',
        "--source=$dir/source", "--dir=$dir/run", "--exclude=$dir/exclude";
    my $text = qx($command 2>&1);
    return ($? >> 8, $text);
}

my ($status, $text) = run_with(<<'END');
own-id       id     an id that nobody has issued
writes-file  files  there is a file
wrong        php    it is wrong
END
is($status, 0, 'what is left out for a reason is no failure') or diag $text;
like($text, qr/^session_ext:\ 2\ passed,\ 0\ failed,\ 3\ do\ not\ apply[ ]
    \(files\ 1,\ id\ 1,\ php\ 1\)$/mx, 'and all is counted');

($status, $text) = run_with("keeps  id  not true\nnone  files  no such test\n");
is($status, 1, 'a wrong list is a failure');
like($text, qr/^keeps passes on ours: its line must go$/m, 'one that passes');
like($text, qr/^none is no test of this PHP/m, 'one that is not there');
like($text, qr/^wrong fails on files, too, and has no line$/m,
    'one that never passes');
like($text, qr/^writes-file\ fails:\ failed\n
    (?:\ {4}.*\n)*\ {4}001-\ bool\(true\)$/mx,
    'one that fails on ours, with what it should have said');

# ---- what is left out --------------------------------------------------------
sub left_out
{
    my ($kind, %of) = @_;
    return Phpt::Judge::left_out(\%of, $kind, 'ours') // '';
}
like(left_out('id', files => 'PASSED', strict => 'PASSED', ours => 'FAILED'),
    qr/not for its id/, 'not for its id, if files in strict mode passes it');
is(left_out('id', files => 'PASSED', strict => 'FAILED', ours => 'FAILED'), '',
    'for its id, if that fails');
like(left_out('php', files => 'PASSED', ours => 'FAILED'), qr/not PHP/,
    'PHP is not to blame for what passes on files');

my ($rows, @faults) = Phpt::Exclude::read_list(top() . '/t/php/phpt.exclude');
none('the list in the tree says nothing that is none', @faults);
cmp_ok(scalar keys %$rows, '>', 0, 'and has lines');
spew("$dir/list", "b id  x\na nokind x\na\na files y\n");
($rows, @faults) = Phpt::Exclude::read_list("$dir/list");
is(scalar @faults, 4, 'order, kind, form and doubles are looked at')
    or diag "@faults";

done_testing();
