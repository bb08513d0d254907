'use strict'
// A blind relay: peers that can't reach each other pair their streams through it.

const { hyperdhtNeed } = globalThis.lab
const { say, onorder, config } = require('./talk.cjs')
const join = require('./join.cjs')

const { Server: RelayServer } = hyperdhtNeed('blind-relay')

let dht = null

onorder(async (order) => {
  if (order.order === 'stop') {
    await dht.destroy({ force: true })
    process.exit(0)
  }
})

async function main() {
  dht = await join(config)
  const relay = new RelayServer({ createStream: (opts) => dht.createRawStream({ ...opts, framed: true }) })
  const server = dht.createServer({ shareLocalAddress: false }, (socket) => {
    socket.on('error', (error) => say('relay-socket-error', { code: error.code }))
    const session = relay.accept(socket, { id: socket.remotePublicKey })
    session.on('error', (error) => say('relay-session-error', { code: error.code, message: error.message }))
  })
  await server.listen()
  say('ready', { public_key: server.publicKey.toString('hex'), port: dht.io.serverSocket.address().port })
}

main()
