// SPDX-License-Identifier: Apache-2.0
'use strict';

// The app of SxTest::Languages in Node.js, on a port of its own.
const http = require('node:http');
const { sessionExt } = require('../helpers/session-ext');

// Bytes as latin1 between here and the wire.
const decode = (word) => Buffer.from(word.replace(/\+/g, ' ').replace(
  /%(..)/g, (_, hex) => String.fromCharCode(parseInt(hex, 16))), 'latin1');
const encode = (bytes) => Buffer.from(bytes).toString('latin1').replace(
  /[^A-Za-z0-9]/g, (c) => `%${c.charCodeAt(0).toString(16).padStart(2, '0')}`);

const read = {
  tell: (session) => ['status', 'version', 'user', 'handle'].map(
    (name) => `${name} ${encode(String(session[name] ?? ''))}`),
  get: (session, key) => {
    const value = session.getBytes(key);
    return [value === undefined ? 'none' : `value ${encode(value)}`];
  },
  messages: (session, level) => session.messages.filter(([l]) => l === level)
    .map(([, text]) => `message ${encode(text)}`),
};

const ask = {
  // One that is text goes as text, anything else as the bytes it is.
  set: (session, key, value) => session.set({ [key]: value }),
  append: (session, key, part) => session.append(key.toString(), part),
  unset: (session, key) => session.unset(key.toString()),
  incr: (session, key, n = '1') => session.incr(key.toString(), Number(n)),
  flash: (session, level, text) => session.flash(level.toString(), text),
  if_version: (session, n) => session.ifVersion(n && Number(n)),
  keep_flash: (session) => session.keepFlash(),
  logout: (session, who) => session.logout(who),
  renew: (session, how) => session.renew(how),
  idle: (session, seconds) => session.idle(seconds),
  persist: (session, word) => session.persist(String(word) === 'on'),
};

function obey(session, line) {
  const [order, ...words] = line.split(' ');
  const args = words.map(decode);
  if (read[order]) return read[order](session, args[0] && args[0].toString());
  try {
    (ask[order] ?? ((s) => s[order]()))(session, ...args);
    return [];
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) return ['refused'];
    throw error;
  }
}

async function answer(req, res) {
  let body = '';
  for await (const chunk of req) body += chunk;
  const said = body.split('\n').filter(Boolean).flatMap(
    (line) => obey(req.session, line));
  res.writeHead(200, { 'Content-Type': 'text/plain' });
  res.end(said.map((line) => `${line}\n`).join(''));
}

module.exports = { answer };

if (require.main === module) {
  http.createServer((req, res) => sessionExt(req, res, () => answer(req, res)))
    .listen(Number(process.argv[2]), '127.0.0.1');
}
