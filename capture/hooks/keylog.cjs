'use strict'

// Peephole's key log for Node applications that use hyperdht 6.x, unmodified:
//
//   PEEPHOLE_KEYLOG=keys.log node --require /path/to/keylog.cjs app.js
//
// It watches hyperdht's own handshake and holepunch-payload classes and appends one line per secret to the file named
// by PEEPHOLE_KEYLOG. docs/keylog.md describes the lines. Without the variable it does nothing. Whatever goes wrong
// here is said once on stderr and never reaches the application.

const fs = require('fs')
const path = require('path')
const Module = require('module')

const NAME = process.env.PEEPHOLE_KEYLOG

// Any copy of hyperdht, however deep it is installed and whatever its folder is called, has these two files.
const WATCHED = {
  'noise-wrap.js': { methods: ['send', 'recv', 'final'], watch: watchHandshake },
  'secure-payload.js': { methods: ['encrypt', 'decrypt', 'token'], watch: watchPayload }
}

// Holepunch secret (the very buffer that hyperdht hands on) -> the attempt and side it belongs to.
const attempts = new WeakMap()

let log = null // file descriptor
let complained = false

if (NAME) guard(start)

function start () {
  log = openLog(path.resolve(NAME))

  const early = Object.keys(require.cache).find(isWatched)
  if (early) complain(new Error(early + ' was loaded before this hook: its secrets are missing. Preload the hook first'))

  // Every CommonJS file passes through _compile, whoever asked for it: require, import or a bundler's loader.
  const compile = Module.prototype._compile
  Module.prototype._compile = function (content, filename) {
    const result = Reflect.apply(compile, this, arguments)
    guard(() => adopt(this, filename))
    return result
  }
}

// --- the log file

function openLog (file) {
  const { O_APPEND, O_CREAT, O_WRONLY, O_NONBLOCK = 0 } = fs.constants
  // O_APPEND and one write per line let several processes share the file. O_NONBLOCK: a pipe must not hang the start.
  const fd = fs.openSync(file, O_APPEND | O_CREAT | O_WRONLY | O_NONBLOCK, 0o600)

  try {
    const stat = fs.fstatSync(fd)
    if (!stat.isFile()) throw new Error(file + ' is not a regular file')
    if (process.getuid) {
      if (stat.uid !== process.geteuid()) throw new Error(file + ' belongs to another user')
      if (stat.mode & 0o077) fs.fchmodSync(fd, 0o600)
    }
  } catch (err) {
    fs.closeSync(fd)
    throw err
  }

  return fd
}

function write (label, id, secret) {
  const line = label + ' ' + id + ' ' + Buffer.from(secret).toString('hex') + '\n'
  if (log !== null) fs.writeSync(log, line)
}

// --- finding hyperdht's classes

function isWatched (filename) {
  return path.basename(filename) in WATCHED && path.basename(path.dirname(filename)) === 'lib'
}

function adopt (module, filename) {
  if (!isWatched(filename)) return
  const watched = WATCHED[path.basename(filename)]

  const Class = module.exports
  if (typeof Class !== 'function' || !watched.methods.every((name) => isMethod(Class.prototype, name))) return

  module.exports = new Proxy(Class, {
    construct (target, args, newTarget) {
      const object = Reflect.construct(target, args, newTarget)
      guard(() => watched.watch(object, args, module))
      return object
    }
  })
}

function isMethod (prototype, name) {
  return !!prototype && typeof prototype[name] === 'function'
}

// --- one handshake: noise IK, message 1 from client to server, message 2 back

function watchHandshake (wrap, args, module) {
  const noise = wrap.handshake
  const side = wrap.isInitiator ? 'CLIENT' : 'SERVER'

  let id = null
  let ephemeral = null
  const cipherKeys = [] // of the sealed static key, of payload 1 and of payload 2, in this order

  // The keys are wiped when the handshake is done, so they are copied when a field is sealed or opened with them.
  for (const name of ['encryptAndHash', 'decryptAndHash']) {
    tap(noise, name, () => {
      cipherKeys.push(Buffer.from(noise.key))
      if (noise.e) ephemeral = Buffer.from(noise.e.secretKey.subarray(0, 32))
    })
  }

  tap(noise, 'send', null, (message) => (wrap.isInitiator ? first(message) : second()))
  tap(noise, 'recv', null, (_, message) => (wrap.isInitiator ? second() : first(message)))

  tap(wrap, 'final', null, (result) => {
    if (id === null) return
    attempts.set(result.holepunchSecret, { id, side })
    write('HOLEPUNCH_SECRET', id, result.holepunchSecret)
  })

  function first (message) {
    const digest = Buffer.alloc(32)
    module.require('sodium-universal').crypto_generichash(digest, message)
    id = digest.toString('hex', 0, 8)

    write('SERVER_PUBLIC_KEY', id, wrap.isInitiator ? wrap.remotePublicKey : wrap.keyPair.publicKey)
    if (ephemeral) write('CLIENT_EPHEMERAL_KEY', id, ephemeral)
    write('NOISE_1_STATIC_KEY', id, cipherKeys[0])
    write('NOISE_1_PAYLOAD_KEY', id, cipherKeys[1])
  }

  function second () {
    if (id === null) return
    if (!wrap.isInitiator) write('SERVER_EPHEMERAL_KEY', id, ephemeral)
    write('NOISE_2_PAYLOAD_KEY', id, cipherKeys[2])
  }
}

// --- the secret that a side's address tokens are made with

function watchPayload (payload, args) {
  const attempt = attempts.get(args[0])
  if (attempt) write(attempt.side + '_TOKEN_SECRET', attempt.id, payload._localSecret)
}

// --- staying out of the way

// Calls `before` ahead of a method of one object, and `after(result, first argument)` when it has returned.
function tap (object, name, before, after) {
  const method = object[name]
  if (typeof method !== 'function') throw new Error('this hyperdht has no ' + name + ' to watch')
  object[name] = function (...args) {
    if (before) guard(before)
    const result = Reflect.apply(method, this, args)
    if (after) guard(() => after(result, args[0]))
    return result
  }
}

function guard (fn) {
  try {
    fn()
  } catch (err) {
    complain(err)
  }
}

function complain (err) {
  if (complained) return
  complained = true
  try {
    fs.writeSync(2, 'peephole key log: ' + (err && err.message) + '\n')
  } catch {
    // stderr is closed: there is nobody left to tell.
  }
}
