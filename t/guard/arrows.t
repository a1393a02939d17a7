#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The layers: who may include whom.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lint";
use Test::More;
use House;
use Arrows;

my $arrows = Arrows->new;
my @files  = files('{shm_store,mod_session_ext,mod_session_ext/php}/*.{c,h}',
    't/{unit,bench,fuzz,calls}/**.{c,h}', 'conf/**.c');
cmp_ok(scalar @files, '>', 20, 'the C files of the tree are found');

none('every include is one that the table of arrows allows',
    map { $arrows->wrong_direct($_) } @files);
none('no file sees a header it must not see, through others either',
    map { $arrows->wrong_indirect($_) } @files);

# The checks must notice what they are for.
sub notices
{
    my ($file, $text, $label) = @_;
    $arrows->{direct}{$file} = [$arrows->scan($file, $text)];
    ok($arrows->wrong_direct($file) || $arrows->wrong_indirect($file), $label);
    return;
}
notices('shm_store/sst_x.c', qq(#include <apr_pools.h>\n),
    'APR in the store is noticed');
notices('mod_session_ext/sx_x.c', qq(#include "httpd.h"\n),
    'httpd in the core is noticed');
notices('mod_session_ext/sx_x.c', qq(#include "shm_store.h"\n),
    'the segment in a file of the core is noticed');
notices('mod_session_ext/mod_sx_x.c', qq(#include "../shm_store/sst_slab.h"\n),
    'an inner header of the store outside it is noticed');
notices('mod_session_ext/php/sxp_x.c', qq(#include "shm_store.h"\n),
    'the segment in the PHP extension is noticed');
notices('mod_session_ext/sx_x.c', qq(#include "php.h"\n),
    'PHP in the core is noticed');
notices('mod_session_ext/sx_store.h', qq(#include "sx_delta.h"\n),
    'a session seen by the store contract, through a header, is noticed');

done_testing();
