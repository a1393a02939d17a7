// SPDX-License-Identifier: Apache-2.0
'use strict';

// The app of SxTest::Languages under Connect.
const connect = require('connect');
const { sessionExt } = require('../helpers/session-ext');
const { answer } = require('./app');

connect().use(sessionExt).use(answer)
  .listen(Number(process.argv[2]), '127.0.0.1');
