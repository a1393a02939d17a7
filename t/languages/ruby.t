# SPDX-License-Identifier: Apache-2.0
# The helper for Ruby does what the table of SxTest::Languages says.
use SxTest;
use SxTest::Languages;

my $s = SxTest::Languages::check('ruby');

# Several lines of one name, as Rack 2 and Rack 3 want them.
my $program = $s->root . '/lang/apps/rack_release.rb';
is(qx(ruby $program 2.2.0), "String String\n", 'Rack 2 has lines in a string');
is(qx(ruby $program 3.0.0), "String Array\n", 'Rack 3 has an array of them');
SxTest::done();
