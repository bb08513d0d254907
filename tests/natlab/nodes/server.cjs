'use strict'
// One host that listens on one or more keys and echoes what it is told.

const { HyperDHT, internal } = globalThis.lab
const { say, onorder, config } = require('./talk.cjs')
const join = require('./join.cjs')

let dht = null

// `forget_relays`: announces to so many relays are stored there, but the server doesn't count on them, as when the
// acknowledgement never arrives.
if (config.forget_relays) {
  const Announcer = internal('announcer')
  const commit = Announcer.prototype._commit
  const forgotten = new Set()
  Announcer.prototype._commit = async function (msg, relays, relayAddresses) {
    const id = msg.from.host + ':' + msg.from.port
    if (forgotten.size < config.forget_relays) forgotten.add(id)
    if (!forgotten.has(id)) return commit.call(this, msg, relays, relayAddresses)
    await commit.call(this, msg, [], [])
    this._serverRelays[2].delete(id)
    say('forgot-relay', { relay: msg.from })
  }
}

const opts = { shareLocalAddress: config.share_local_address !== false }
if (config.firewall === 'reject') opts.firewall = () => true
if (config.holepunch === 'reject') opts.holepunch = () => false
if (config.relay_through) opts.relayThrough = Buffer.from(config.relay_through, 'hex')

async function main() {
  dht = await join(config)
  const keys = []
  for (let i = 0; i < (config.keys || 1); i++) {
    const server = dht.createServer(opts, (socket) => {
      socket.on('error', (error) => say('socket-error', { code: error.code }))
      socket.on('data', (data) => socket.write(data))
      socket.on('end', () => socket.end())
    })
    const keyPair = HyperDHT.keyPair()
    await server.listen(keyPair)
    keys.push({
      public_key: keyPair.publicKey.toString('hex'),
      secret_key: keyPair.secretKey.toString('hex'),
      relays: server._announcer.relays.map((relay) => ({ relay_address: relay.relayAddress, peer_address: relay.peerAddress }))
    })
  }
  say('ready', { keys, firewalled: dht.firewalled, port: dht.io.serverSocket.address().port, client_port: dht.io.clientSocket.address().port })
}

onorder(async (order) => {
  if (order.order === 'stop') {
    await dht.destroy({ force: true })
    process.exit(0)
  }
})

main()
