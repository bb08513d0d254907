'use strict'
// A blind relay: peers that can't reach each other pair their streams through it.

const { HyperDHT, hyperdhtNeed } = globalThis.lab
const { say, onorder, config } = require('./talk.cjs')

const { Server: RelayServer } = hyperdhtNeed('blind-relay')

const dht = new HyperDHT({ bootstrap: config.bootstrap })
const relay = new RelayServer({ createStream: (opts) => dht.createRawStream({ ...opts, framed: true }) })
const server = dht.createServer({ shareLocalAddress: false }, (socket) => {
  socket.on('error', (error) => say('relay-socket-error', { code: error.code }))
  const session = relay.accept(socket, { id: socket.remotePublicKey })
  session.on('error', (error) => say('relay-session-error', { code: error.code, message: error.message }))
})

onorder(async (order) => {
  if (order.order === 'stop') {
    await dht.destroy({ force: true })
    process.exit(0)
  }
})

server.listen().then(() => say('ready', { public_key: server.publicKey.toString('hex'), port: dht.io.serverSocket.address().port }))
