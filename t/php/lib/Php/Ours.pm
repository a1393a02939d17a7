# SPDX-License-Identifier: Apache-2.0
# What PHP is told of our handler, and the key file that it needs.
package Php::Ours;
use strict;
use warnings;
use Php::Command;
use SxTest::Paths;

# Lines of a php.ini, for a store and its keys in this directory.
sub ini
{
    my ($dir) = @_;
    my $so = SxTest::Paths::php_extension();
    die "$so is not built\n" unless -e $so;
    return <<"END";
extension = $so
session.save_handler = session_ext
session.serialize_handler = session_ext
session_ext.key_file = $dir/session_ext.keys
session_ext.store_file = $dir/sessions.shm
END
}

sub make_keys
{
    my ($dir) = @_;
    my $tool = SxTest::Paths::build_dir() . '/mod_session_ext/htsession';
    command("$dir/keygen", $tool, 'keygen', "$dir/session_ext.keys")
        or die "htsession keygen failed: see $dir/keygen\n";
    return;
}

1;
