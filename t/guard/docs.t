#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Every name that users see stands in the code's table and as a heading in the
# documentation, and no name stands in only one of the two.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lint";
use Test::More;
use House;

# All matches of a pattern in the code of these files, sorted, once each.
sub in_code
{
    my ($re, @globs) = @_;
    my %seen;
    for my $file (files(@globs)) {
        my $code = c_code(slurp($file), 1);
        $seen{$_}++ for grep { defined } $code =~ /$re/g;
    }
    return sort keys %seen;
}

# All matches of a pattern in the headings of a page.
sub in_headings
{
    my ($re, $page) = @_;
    my %seen;
    for my $line (grep { /^#{1,6} / } lines($page)) {
        $seen{$_}++ for $line =~ /$re/g;
    }
    return sort keys %seen;
}

sub same_names
{
    my ($what, $page, $code, $docs) = @_;
    my %code = map { $_ => 1 } @$code;
    my %docs = map { $_ => 1 } @$docs;
    ok(@$code > 0, "the code's table of ${what}s is found");
    none("every $what of the code has a heading in $page",
        grep { !$docs{$_} } @$code);
    none("every $what with a heading in $page is in the code",
        grep { !$code{$_} } @$docs);
    return;
}

same_names('directive', 'docs/directives.md',
    [in_code(qr/\b[A-Z][A-Z0-9_]*\(\s*"((?:ShmStore|SessionExt)\w*)"/,
        'mod_session_ext/mod_*.c')],
    [in_headings(qr/\b(ShmStore|SessionExt\w*)/, 'docs/directives.md')]);

same_names('response header', 'docs/headers.md',
    [in_code(qr/"(Session-[A-Za-z-]+)"/, 'mod_session_ext/sx_command.c')],
    [in_headings(qr/(?<![\w-])(Session-[A-Z][A-Za-z-]*)/, 'docs/headers.md')]);

# Names made at run time: the documentation writes SESSION_VAR_<key> and
# FLASH_<n>_LEVEL where the code has a prefix or a format.
my $name = qr/(?:SESSION|FLASH|SEALED)_[A-Za-z0-9_<>%]*/;
my $made = qr/\brow\(\s*|\bapr_p(?:sprintf|strcat)\([^;"]*|\bprefix\[\] = /;

# Such a name with its variable part left out.
sub shapes
{
    my %seen = map { s/<\w*>|%\w?|_\K$/<>/r => 1 } @_;
    return [sort keys %seen];
}
same_names('environment variable', 'docs/environment.md',
    shapes(in_code(qr/(?:$made)"($name)"/, 'mod_session_ext/sx_env.c')),
    shapes(in_headings(qr/\b($name)/, 'docs/environment.md')));

my $access = 'docs/authz.md';
same_names('authorization provider', $access,
    [in_code(qr/\{\s*"(session[a-z-]*)",\s*\{check_/,
        'mod_session_ext/mod_sx_authz.c')],
    [in_headings(qr/\bRequire (session[\w-]*)/, $access)]);
same_names('function of expressions', $access,
    [in_code(qr/\{\s*"(\w+)",\s*\w+,\s*check_/,
        'mod_session_ext/mod_sx_expr.c')],
    [in_headings(qr/%\{(\w+):/, $access)]);

same_names('function for modules', 'docs/modules.md',
    [in_code(qr/\bAPR_REGISTER_OPTIONAL_FN\(\s*(\w+)\)/,
        'mod_session_ext/mod_sx_functions.c')],
    [in_headings(qr/`(\w+)\(/, 'docs/modules.md')]);

# The facts are a table there as they are one in the code.
my @facts = in_code(qr/"([A-Z_]{4,})"/, 'mod_session_ext/mod_sx_ask.c');
my @rows = map { /^\| `([A-Z_]+)` \|/ ? $1 : () } lines($access);
is(join(' ', sort @rows), join(' ', grep { !/_$/ } @facts),
    "every name of expressions and logs is in the table of $access");

# Links between pages lead somewhere.
my @dead;
for my $page (files('{README,SECURITY,CONTRIBUTING}.md', 'docs/**.md')) {
    my ($dir) = $page =~ m{^(.*/)};
    for my $link (slurp($page) =~ /\]\(([^)#:\s]+)(?:#[^)]*)?\)/g) {
        push @dead, "$page: $link" unless -e top() . '/' . ($dir // '') . $link;
    }
}
none('every link from one page to another leads somewhere', @dead);

done_testing();
