# SPDX-License-Identifier: Apache-2.0
# docs/paths.md, where httpd answers and an app makes the page (ErrorDocument).
use SxTest;
use SxTest::Matrix;

SxTest::Matrix::check('An app makes the page of an error');
SxTest::done();
