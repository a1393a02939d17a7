// SPDX-License-Identifier: Apache-2.0
// The app on express-session: node app.js PORT [REDIS_SOCKET], without the
// latter in its MemoryStore.  Express itself adds nothing to sessions.
'use strict';
const fs = require('fs');
const http = require('http');
const session = require('express-session');

const [port, redis] = process.argv.slice(2);
const pause = ms => new Promise(done => setTimeout(done, ms));

async function store() {
  if (!redis) return new session.MemoryStore();
  const client = require('redis').createClient({ socket: { path: redis } });
  await client.connect();
  return new (require('connect-redis').RedisStore)({ client });
}

// Stops until the runner lets it go.
async function standAt(name) {
  const base = `${process.env.SXTEST_BARRIERS}/${name}`;
  fs.appendFileSync(`${base}.at`, 'x');
  for (let i = 0; i < 3000 && !fs.existsSync(`${base}.go`); i++) {
    await pause(5);
  }
}

const call = (object, method) => new Promise((done, fail) =>
  object[method](error => error ? fail(error) : done()));

const does = {
  async login(req) {
    await call(req.session, 'regenerate');
    Object.assign(req.session, { user: 'alice', n: 0 });
  },
  async read() {},
  async add(req) {
    const n = req.session.n || 0;
    await pause(5);
    req.session.n = n + 1;
  },
  async late(req, query) {
    await standAt(query.get('wait'));
    req.session.late = 1;
  },
  async logout(req) {
    req.session.user = null;
    await call(req.session, 'save');
    await call(req.session, 'regenerate');
  },
};

store().then(store => {
  const open = session({ store, secret: 'of the comparison', resave: false,
    saveUninitialized: false });
  http.createServer((req, res) => open(req, res, async error => {
    if (error) {
      res.statusCode = 500;
      return res.end(`${error}\n`);
    }
    const query = new URL(req.url, 'http://localhost').searchParams;
    const { user, n } = req.session;
    await does[query.get('do')](req, query);
    res.setHeader('Content-Type', 'text/plain');
    res.end(`user=${user ?? ''} n=${n ?? ''}\n`);
  })).listen(port, '127.0.0.1');
});
