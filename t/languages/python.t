# SPDX-License-Identifier: Apache-2.0
# The helper for Python does what the table of SxTest::Languages says.
use SxTest;
use SxTest::Languages;

SxTest::Languages::check('python');
SxTest::done();
