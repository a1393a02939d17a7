#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The layers again, from what the linker sees: a declaration copied by hand
# would pass the check of includes.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lint";
use Test::More;
use House;

my $nm     = make_var('NM');
my $module = build() . '/mod_session_ext/mod_session_ext.so';

# Symbols that an archive or the module takes from elsewhere.
sub undefined
{
    my ($file) = @_;
    my %seen;
    /\sU\s+(\S+)$/ and $seen{$1}++ for run($nm, '-u', build() . "/$file");
    return sort keys %seen;
}

my @store = undefined('shm_store/libshm_store.a');
my @core  = undefined('mod_session_ext/libsx.a');
ok((grep { $_ eq 'mmap' } @store), 'the list of what the store needs is real');
ok((grep { /^apr_/ } @core), 'the list of what the core needs is real');
none('the store takes nothing from httpd or APR',
    grep { /^(?:ap|apr|apu)_/ } @store);
none('the core takes nothing from httpd', grep { /^ap_/ } @core);

my @exported = map { /\s(\S+)$/ ? $1 : () }
    run($nm, '-D', '--defined-only', $module);
is_deeply(\@exported, ['session_ext_module'],
    'the module exports its record and nothing else')
    or diag("exported: @exported");

my $extension = build() . '/mod_session_ext/php/session_ext.so';
SKIP: {
skip 'no PHP extension was built', 2 if !-e $extension;
is_deeply([map { /\s(\S+)$/ ? $1 : () }
        run($nm, '-D', '--defined-only', $extension)], ['get_module'],
    'the PHP extension exports what PHP asks for and nothing else');
none('the PHP extension takes nothing from httpd', grep { /^ap_(?!php_)/ }
    undefined('mod_session_ext/php/session_ext.so'));
}

# The linker leaves to httpd's start what a shared object lacks.
none('the module lacks nothing that is ours to define',
    grep { /^(?:mod_sx|sx|sst|shm)_/ }
        undefined('mod_session_ext/mod_session_ext.so'),
    -e $extension ? undefined('mod_session_ext/php/session_ext.so') : ());

# Packagers may replace CFLAGS and LDFLAGS, but these stay.
my $headers = join "\n", run('readelf', '-lWd', $module);
like($headers, qr/GNU_RELRO/, 'the module is linked with relro');
like($headers, qr/BIND_NOW|FLAGS_1.*\bNOW/, 'and bound at load');
unlike($headers, qr/GNU_STACK.*RWE/, 'and its stack cannot be executed');
unlike($headers, qr/\b(?:RPATH|RUNPATH)\b/, 'and it names no library path');

done_testing();
