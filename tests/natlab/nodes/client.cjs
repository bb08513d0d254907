'use strict'
// One host that connects when it is told to, says one line, waits for the echo, and reports how it went.

const { internal, opened } = globalThis.lab
const { say, onorder, gate, config } = require('./talk.cjs')
const join = require('./join.cjs')

const PATIENCE = 50 // seconds: a random punch gives up after 36
const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000))

let dht = null
let pinned = null
let stop = null

const Router = internal('router')
const { peerHandshake, peerHolepunch } = Router.prototype
Router.prototype.peerHandshake = async function (target, request, to) {
  // A client pinned to one relay asks no other.
  if (pinned && (to.host !== pinned.host || to.port !== pinned.port)) throw new Error('not the pinned relay')
  return peerHandshake.call(this, target, request, to)
}
Router.prototype.peerHolepunch = async function (target, request, to) {
  const { payload } = opened.get(request.payload)
  const step = payload.punching ? 'punch' : 'probe'
  if (stop === step) {
    stop = null
    await gate(step, { relay: to })
  }
  return peerHolepunch.call(this, target, request, to)
}

// A client whose first message offers no UDX stream: servers answer that with an error.
class WithoutUdx extends internal('noise-wrap') {
  send(payload) {
    return super.send({ ...payload, udx: null })
  }
}

function connect(order) {
  pinned = order.pin_relay || null
  stop = order.gate || null
  const opts = { fastOpen: order.fast_open !== false, lab: order.label }
  if (order.holepunch === 'reject') opts.holepunch = () => false
  if (order.pin_relay) opts.relayAddresses = [order.pin_relay]
  if (order.relay_through) opts.relayThrough = Buffer.from(order.relay_through, 'hex')
  if (order.local_connection === false) opts.localConnection = false
  if (order.without_udx) opts.createHandshake = (...args) => new WithoutUdx(...args)

  const started = Date.now()
  const socket = dht.connect(Buffer.from(order.public_key, 'hex'), opts)
  let echoed = false
  let upgraded = null
  let code = null
  socket.on('error', (error) => {
    code = error.code || error.message
  })
  socket.on('open', () => {
    upgraded = new Promise((resolve) => socket.rawStream.once('remote-changed', resolve))
    socket.write('hello')
  })
  socket.on('data', async () => {
    if (echoed) return
    echoed = true
    say('connected', { label: order.label, seconds: (Date.now() - started) / 1000 })
    // Held until the stream has left the relay, if so ordered, then for the usual while.
    if (order.until === 'upgraded') await Promise.race([upgraded, pause(PATIENCE)])
    await pause(order.hold || 0.5)
    socket.end()
  })
  socket.on('close', () => {
    say('closed', { label: order.label, connected: echoed, code, seconds: (Date.now() - started) / 1000 })
  })
}

onorder(async (order) => {
  if (order.order === 'connect') connect(order)
  if (order.order === 'stop') {
    await dht.destroy({ force: true })
    process.exit(0)
  }
})

join(config).then((joined) => {
  dht = joined
  const keyPair = dht.defaultKeyPair
  say('ready', {
    public_key: keyPair.publicKey.toString('hex'),
    firewalled: dht.firewalled,
    port: dht.io.serverSocket.address().port,
    client_port: dht.io.clientSocket.address().port
  })
})
