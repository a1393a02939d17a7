# SPDX-License-Identifier: Apache-2.0
# docs/paths.md, where an app makes the answer.
use SxTest;
use SxTest::Matrix;

SxTest::Matrix::check('An app answers');
SxTest::done();
