// SPDX-License-Identifier: Apache-2.0
'use strict';

// The session of mod_session_ext for Node.js, behind ProxyPass "http://…" with
// SessionExtRequestHeaders On and SessionExtAccept On.
//
//   const { sessionExt } = require('./session-ext');
//   app.use(sessionExt);                       // Express, Connect
//   http.createServer((req, res) => sessionExt(req, res, () => { … }));
//   …
//   const visits = req.session.get('visits') ?? '0';
//   req.session.set({ name: 'Ann' }).incr('visits').flash('info', 'Saved');
//
// What is asked for is seen by the next request, and only if it is asked for
// before the head of the response is sent. Texts are UTF-8; bytes go as a
// Buffer and come by getBytes().

const LINE = 8000; // bytes of a header line that every gateway takes

// Headers come as latin1, and so do bytes between these two.
function decode(text) {
  return Buffer.from(text.replace(/\+/g, ' ').replace(/%([0-9a-f]{2})/gi,
    (_, hex) => String.fromCharCode(parseInt(hex, 16))), 'latin1');
}

function encode(value) {
  if (Number.isSafeInteger(value)) value = String(value);
  if (typeof value !== 'string' && !Buffer.isBuffer(value)) {
    throw new TypeError('accepted are strings, whole numbers and Buffers');
  }
  return Buffer.from(value).toString('latin1').replace(/[^A-Za-z0-9_.-]/g,
    (c) => '%' + c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0'));
}

function encodeKey(key) {
  const text = encode(key);
  if (!text || decode(text).length > 128) {
    throw new RangeError('a key of 1 to 128 bytes is accepted');
  }
  return text;
}

function pairsOf(text) {
  return text.split('&').filter(Boolean).map((item) => {
    const at = item.indexOf('=');
    return [decode(item.slice(0, at)), decode(item.slice(at + 1))];
  });
}

// Items joined by '&' into as many lines as it takes.
function linesOf(name, items) {
  const lines = [];
  for (const item of items) {
    const last = lines.length - 1;
    if (last >= 0 && name.length + lines[last].length + item.length + 3 <= LINE) {
      lines[last] += '&' + item;
    } else {
      lines.push(item);
    }
  }
  return lines.length ? [[name, lines]] : [];
}

// A value in pairs that fit a line, no %XX divided.
function piecesOf(key, text) {
  const room = LINE - `Session-Append: ${key}=`.length;
  const pieces = text.match(new RegExp(`.{1,${room}}(?<!%)(?<!%.)`, 'g')) || [''];
  return pieces.map((piece) => `${key}=${piece}`);
}

class Session {
  #once = new Map();
  #keys = new Map();
  #flash = [];
  #data;

  constructor(headers) {
    const told = (name) => headers[`x-session-${name}`];
    let text = '';
    for (let n = 1; told(`data-${n}`) !== undefined; n++) text += told(`data-${n}`);
    const user = told('user');
    this.status = told('status') ?? 'none';
    this.handle = told('handle');
    this.version = Number(told('version') ?? 0);
    this.user = user && Buffer.from(user, 'latin1').toString();
    this.#data = new Map(pairsOf(text).map(([k, v]) => [k.toString('latin1'), v]));
    // [level, text] of each message for this page
    this.messages = pairsOf(told('flash') ?? '').map((pair) => pair.map(String));
  }

  get active() { return this.status === 'active'; }
  getBytes(key) { return this.#data.get(Buffer.from(key).toString('latin1')); }
  get(key) { return this.getBytes(key)?.toString(); }
  keys() { return [...this.#data.keys()].map((k) => Buffer.from(k, 'latin1').toString()); }

  // Asking for changes: each returns the session.

  #wish(key) {
    const text = encodeKey(key);
    if (!this.#keys.has(text)) this.#keys.set(text, {});
    return this.#keys.get(text);
  }

  #ask(name, value) {
    this.#once.set(`Session-${name}`, String(value));
    return this;
  }

  set(pairs) {
    for (const [key, value] of Object.entries(pairs)) {
      this.#keys.set(encodeKey(key), { set: encode(value) });
    }
    return this;
  }

  unset(...keys) {
    for (const key of keys) this.#keys.set(encodeKey(key), { unset: true });
    return this;
  }

  append(key, part) {
    const text = encode(part);
    const wish = this.#wish(key);
    wish.append = (wish.append ?? '') + text;
    return this;
  }

  incr(key, by = 1) {
    if (!Number.isSafeInteger(by)) throw new TypeError('a whole number is accepted');
    const wish = this.#wish(key);
    wish.incr = (wish.incr ?? 0) + by;
    return this;
  }

  clear() {
    this.#keys.clear();
    return this.#ask('Clear', 'on');
  }

  flash(level, text) {
    if (!/^[a-z]{1,32}$/.test(level)) {
      throw new RangeError('a level of 1 to 32 letters a-z is accepted');
    }
    const pair = `${level}=${encode(text)}`;
    if (pair.length > LINE - 20) {
      throw new RangeError('a message is longer than a header line');
    }
    this.#flash.push(pair);
    return this;
  }

  // Data only if the session is at this version, that of now.
  ifVersion(version = this.version) { return this.#ask('If-Version', version); }
  destroy() { return this.#ask('Destroy', 'on'); }
  logout(who = 'all') { return this.#ask('Logout', who); }
  renew(how = 'on') { return this.#ask('Renew', how); } // or 'discard'
  idle(seconds = 'default') { return this.#ask('Idle', seconds); }
  persist(on = true) { return this.#ask('Persist', on ? 'on' : 'off'); }
  keepFlash() { return this.#ask('Flash-Keep', 'on'); }

  // What is asked for, as a list of [name, [value, ...]].
  headers() {
    const unset = [];
    const set = [];
    const append = [];
    const incr = [];
    for (const [key, wish] of this.#keys) {
      if (wish.unset) unset.push(key);
      if (wish.set !== undefined) {
        const [first, ...rest] = piecesOf(key, wish.set);
        set.push(first);
        append.push(...rest);
      }
      if (wish.append !== undefined) append.push(...piecesOf(key, wish.append));
      if (wish.incr !== undefined) incr.push(`${key}=${wish.incr}`);
    }
    return [...[...this.#once].map(([name, value]) => [name, [value]]),
      ...linesOf('Session-Unset', unset), ...linesOf('Session-Set', set),
      ...linesOf('Session-Append', append), ...linesOf('Session-Incr', incr),
      ...linesOf('Session-Flash', this.#flash)];
  }
}

// req.session, and its wishes in the head of the response.
function sessionExt(req, res, next) {
  const session = new Session(req.headers);
  const { writeHead } = res;
  req.session = session;
  res.writeHead = function withSession(...args) {
    for (const [name, values] of session.headers()) this.setHeader(name, values);
    return writeHead.apply(this, args);
  };
  next();
}

module.exports = { Session, sessionExt };
