'use strict'
// Preloaded (`node --require`) into every node of the lab. Wraps the reference implementation from the outside
// and appends what the node itself knew, said and did to the file named by LAB_TRUTH, one JSON object per line.
// Nothing the node sends or decides is changed. Buffers are written as hex, times as epoch seconds.

const { attempts, hyperdhtNeed, internal, log, need, wrap } = require('./log.cjs')

// The causes that the application never gets to see. First of all, because others take these functions by name.
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

const { opened } = require('./log-secrets.cjs')
require('./log-routes.cjs')
require('./log-punches.cjs')

// Connections as the application sees them.
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

globalThis.lab = { internal, opened, HyperDHT, hyperdhtNeed }
