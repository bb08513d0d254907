'use strict'
// Preloaded (`node --require`) into every node of the lab. Wraps the reference implementation from the outside
// and appends what the node itself knew, said and did to the file named by LAB_TRUTH, one JSON object per line.
// Nothing the node sends or decides is changed. Buffers are written as hex, times as epoch seconds.

const fs = require('node:fs')
const path = require('node:path')
const { AsyncLocalStorage } = require('node:async_hooks')
const { createRequire } = require('node:module')

const need = createRequire(path.join(process.env.LAB_NODE_PACKAGES, 'package.json'))
const hyperdhtNeed = createRequire(need.resolve('hyperdht'))
const rpcNeed = createRequire(hyperdhtNeed.resolve('dht-rpc'))
const udxNeed = createRequire(rpcNeed.resolve('udx-native'))
const internal = (name) => hyperdhtNeed(`./lib/${name}.js`)

const file = fs.openSync(process.env.LAB_TRUTH, 'a', 0o600)
const attempts = new AsyncLocalStorage()
const numbers = new WeakMap()
let counter = 0

function number(object) {
  if (!object) return null
  if (!numbers.has(object)) numbers.set(object, ++counter)
  return numbers.get(object)
}

function now() {
  return (performance.timeOrigin + performance.now()) / 1000
}

function plain(value) {
  if (value === undefined) return null
  if (value === null || typeof value !== 'object') return value
  if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')
  if (Array.isArray(value)) return value.map(plain)
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]))
}

function log(event, fields) {
  const line = { t: now(), event, attempt: attempts.getStore() || null, ...plain(fields) }
  fs.writeSync(file, JSON.stringify(line) + '\n')
}

function wrap(prototype, name, around) {
  const original = prototype[name]
  if (typeof original !== 'function') throw new Error(`the reference implementation has no ${name}`)
  prototype[name] = function (...args) {
    return around.call(this, (...given) => original.apply(this, given), ...args)
  }
}

function port(socket) {
  const address = socket && socket.bound ? socket.address() : null
  return address ? address.port : null
}

// --- errors: the causes that the application never gets to see -------------------------------------------------
const errors = internal('errors')
for (const name of Object.getOwnPropertyNames(errors)) {
  if (name !== name.toUpperCase() || typeof errors[name] !== 'function') continue
  const original = errors[name]
  errors[name] = function (...args) {
    const error = original.apply(errors, args)
    log('error-made', { code: error.code, message: error.message })
    return error
  }
}

// --- noise: both messages, both payloads, the hash and the secret -----------------------------------------------
const NoiseWrap = internal('noise-wrap')
wrap(NoiseWrap.prototype, 'send', function (original, payload) {
  const message = original(payload)
  const ephemeral = this.handshake.e ? Buffer.from(this.handshake.e.secretKey) : null
  log('noise-sent', {
    noise: number(this),
    initiator: this.isInitiator,
    public_key: this.keyPair.publicKey,
    remote_public_key: this.remotePublicKey,
    ephemeral_secret_key: ephemeral,
    message,
    payload
  })
  return message
})
wrap(NoiseWrap.prototype, 'recv', function (original, message) {
  const copy = Buffer.from(message)
  const payload = original(message)
  log('noise-received', {
    noise: number(this),
    initiator: this.isInitiator,
    public_key: this.keyPair.publicKey,
    remote_public_key: this.remotePublicKey,
    message: copy,
    payload
  })
  return payload
})
wrap(NoiseWrap.prototype, 'final', function (original) {
  const final = original()
  log('noise-final', {
    noise: number(this),
    initiator: this.isInitiator,
    public_key: final.publicKey,
    remote_public_key: final.remotePublicKey,
    handshake_hash: final.hash,
    holepunch_secret: final.holepunchSecret
  })
  return final
})

// --- holepunch payloads ------------------------------------------------------------------------------------------
let newestPayloads = null
const opened = new WeakMap() // ciphertext -> what it holds
const securePayloadPath = hyperdhtNeed.resolve('./lib/secure-payload.js')
const SecurePayload = internal('secure-payload')
require.cache[securePayloadPath].exports = class extends SecurePayload {
  constructor(secret) {
    super(secret)
    newestPayloads = this
    log('payload-keys', { secret, local_secret: this._localSecret })
  }
}
wrap(SecurePayload.prototype, 'encrypt', function (original, payload) {
  const wire = original(payload)
  opened.set(wire, { secret: this._sharedSecret, payload })
  log('payload-encrypted', { secret: this._sharedSecret, payload, wire })
  return wire
})
wrap(SecurePayload.prototype, 'decrypt', function (original, wire) {
  const copy = Buffer.from(wire) // decryption happens in place
  const payload = original(wire)
  log('payload-decrypted', { secret: this._sharedSecret, payload, wire: copy })
  return payload
})
wrap(SecurePayload.prototype, 'token', function (original, address) {
  const token = original(address)
  log('token-made', { secret: this._sharedSecret, address, token })
  return token
})

// --- routing: what each node was asked to carry, and what a client asked for ----------------------------------------
const Router = internal('router')
const messages = internal('messages')
const c = hyperdhtNeed('compact-encoding')
function carried(command, encoding) {
  return function (original, req) {
    let value = null
    try {
      value = req.value && c.decode(encoding, req.value)
    } catch (error) {
      log('carried-undecodable', { command, message: error.message })
    }
    const state = req.target && this.get(req.target)
    log('carried', {
      command,
      tid: req.tid,
      from: req.from,
      socket_port: port(req.socket),
      target: req.target,
      mode: value && value.mode,
      id: value && value.id,
      noise: value && value.noise,
      payload: value && value.payload,
      peer_address: value && value.peerAddress,
      relay_address: value && value.relayAddress,
      is_server: !!(state && state.onpeerhandshake),
      has_route: !!(state && state.relay)
    })
    return original(req)
  }
}
wrap(Router.prototype, 'onpeerhandshake', carried('PEER_HANDSHAKE', messages.handshake))
wrap(Router.prototype, 'onpeerholepunch', carried('PEER_HOLEPUNCH', messages.holepunch))

function asked(command) {
  return async function (original, target, request, to) {
    const key = { command, socket: number(request.socket), socket_port: port(request.socket), to }
    const message = request.noise || request.payload
    log('asked', { ...key, target, id: request.id, peer_address: request.peerAddress, message })
    try {
      const reply = await original(target, request, to)
      log('answered', { ...key, message, reply })
      return reply
    } catch (error) {
      log('unanswered', { ...key, message, code: error.code, reason: error.message })
      throw error
    }
  }
}
wrap(Router.prototype, 'peerHandshake', asked('PEER_HANDSHAKE'))
wrap(Router.prototype, 'peerHolepunch', asked('PEER_HOLEPUNCH'))

const IO = rpcNeed('./lib/io.js')
wrap(IO.prototype, 'createRequest', function (original, to, token, internalCommand, command, ...rest) {
  const req = original(to, token, internalCommand, command, ...rest)
  if (req === null || internalCommand || command > 1) return req
  const send = req._sendNow
  req._sendNow = function () {
    send.call(req)
    log('request-sent', { command, tid: req.tid, to, times: req.sent, socket_port: port(req.socket) })
  }
  return req
})

// --- NAT samples and the puncher ---------------------------------------------------------------------------------
const Nat = internal('nat')
wrap(Nat.prototype, 'add', function (original, address, from) {
  original(address, from)
  log('nat-sample', {
    socket: number(this.socket),
    socket_port: port(this.socket),
    address,
    from,
    sampled: this.sampled,
    frozen: !!this.frozen,
    firewall: this.firewall,
    addresses: this.addresses
  })
})

const Holepuncher = internal('holepuncher')
const puncherOf = new WeakMap() // udx socket -> puncher
wrap(Holepuncher.prototype, '_addRef', function (original, ref) {
  const first = !numbers.has(this)
  if (first) {
    log('puncher-made', {
      puncher: number(this),
      initiator: this.isInitiator,
      secret: this.isInitiator ? null : newestPayloads._sharedSecret
    })
  }
  puncherOf.set(ref.socket, this)
  log('puncher-socket', { puncher: number(this), socket: number(ref.socket), socket_port: port(ref.socket) })
  return original(ref)
})
wrap(Holepuncher.prototype, 'updateRemote', function (original, remote) {
  original(remote)
  log('puncher-remote', { puncher: number(this), ...remote, remote_addresses: this.remoteAddresses })
})
wrap(Holepuncher.prototype, 'punch', async function (original) {
  log('punch', {
    puncher: number(this),
    local_firewall: this.nat.firewall,
    remote_firewall: this.remoteFirewall,
    remote_addresses: this.remoteAddresses
  })
  const started = await original()
  log('punch-started', { puncher: number(this), started })
  return started
})
wrap(Holepuncher.prototype, '_reset', function (original) {
  log('puncher-reopened', { puncher: number(this) })
  return original()
})
wrap(Holepuncher.prototype, '_onholepunchmessage', function (original, message, from, ref) {
  log('punch-received', {
    puncher: number(this),
    socket: number(ref.socket),
    socket_port: port(ref.socket),
    from: { host: from.host, port: from.port },
    first: this.isInitiator && !this.connected
  })
  return original(message, from, ref)
})
wrap(Holepuncher.prototype, 'destroy', function (original) {
  if (!this.destroyed) {
    log('puncher-destroyed', {
      puncher: number(this),
      connected: this.connected,
      local_firewall: this.nat.firewall,
      local_addresses: this.nat.addresses,
      remote_firewall: this.remoteFirewall
    })
  }
  return original()
})

// --- UDX: every one-byte datagram with its TTL, every stream that comes up ---------------------------------------------
const UDXSocket = udxNeed('./socket.js')
const UDXStream = udxNeed('./stream.js')
wrap(UDXSocket.prototype, 'send', function (original, buffer, toPort, host, ttl) {
  if (buffer.byteLength === 1) {
    const puncher = puncherOf.get(this)
    log('probe-sent', {
      puncher: puncher ? number(puncher) : null,
      socket: number(this),
      socket_port: port(this),
      to: { host, port: toPort },
      ttl
    })
  }
  return original(buffer, toPort, host, ttl)
})
wrap(UDXStream.prototype, 'connect', function (original, socket, remoteId, toPort, host, opts) {
  log('stream-connected', { stream: this.id, remote: remoteId, to: { host, port: toPort }, socket: number(socket), socket_port: port(socket) })
  return original(socket, remoteId, toPort, host, opts)
})
const up = new WeakSet()
for (const [name, sign] of [['_ondata', 'data'], ['_onmessage', 'message'], ['_onend', 'end']]) {
  wrap(UDXStream.prototype, name, function (original, ...args) {
    if (!up.has(this)) {
      up.add(this)
      log('stream-up', { stream: this.id, by: sign, remote: { host: this.remoteHost, port: this.remotePort } })
    }
    return original(...args)
  })
}
wrap(UDXStream.prototype, 'changeRemote', function (original, socket, remoteId, toPort, host) {
  const place = { stream: this.id, remote: remoteId, to: { host, port: toPort }, socket: number(socket), socket_port: port(socket) }
  log('stream-remote-changing', place)
  this.once('remote-changed', () => log('stream-remote-changed', place))
  return original(socket, remoteId, toPort, host)
})

// --- connections as the application sees them -----------------------------------------------------------------------
const Server = internal('server')
const HyperDHT = need('hyperdht')
function watch(side, socket, about) {
  const state = () => ({
    ...about,
    side,
    handshake_hash: socket.handshakeHash,
    stream: socket.rawStream ? socket.rawStream.id : null,
    remote: socket.rawStream ? { host: socket.rawStream.remoteHost, port: socket.rawStream.remotePort } : null
  })
  socket.once('open', () => log('connection-opened', state()))
  socket.once('error', (error) => log('connection-error', { ...state(), code: error.code, message: error.message }))
  socket.once('close', () => log('connection-closed', state()))
}
wrap(Server.prototype, 'onconnection', function (original, socket) {
  const about = { public_key: this.publicKey, remote_public_key: socket.remotePublicKey }
  log('connection-accepted', { ...about, stream: socket.rawStream ? socket.rawStream.id : null })
  watch('server', socket, about)
  return original(socket)
})
let connects = 0
wrap(HyperDHT.prototype, 'connect', function (original, publicKey, opts = {}) {
  const parent = attempts.getStore() || null
  const attempt = ++connects
  return attempts.run(attempt, () => {
    log('connect', {
      parent,
      server_public_key: typeof publicKey === 'string' ? Buffer.from(publicKey, 'hex') : publicKey,
      fast_open: opts.fastOpen !== false,
      relay_addresses: opts.relayAddresses,
      relay_through: opts.relayThrough,
      label: opts.lab
    })
    const socket = original(publicKey, opts)
    watch('client', socket, { attempt })
    return socket
  })
})

module.exports = globalThis.lab = { need, internal, log, opened, attempts, HyperDHT, udxNeed, hyperdhtNeed }
