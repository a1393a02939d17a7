// SPDX-License-Identifier: Apache-2.0
'use strict';

// node counter.js [PORT]
const http = require('node:http');
const { sessionExt } = require('../helpers/session-ext');

http.createServer((req, res) => sessionExt(req, res, () => {
  const before = req.session.get('visits') ?? '0';
  req.session.incr('visits');
  res.setHeader('Content-Type', 'text/plain');
  res.end(`Visits before this one: ${before}\n`);
})).listen(Number(process.argv[2] ?? 3000), '127.0.0.1');
