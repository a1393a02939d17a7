# SPDX-License-Identifier: Apache-2.0
# docs/paths.md, where no app is asked.
use SxTest;
use SxTest::Matrix;

SxTest::Matrix::check('No app is asked');
SxTest::done();
