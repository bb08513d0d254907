'use strict'
// One host that listens on several keys and echoes. A client that sends one byte more than it should wants its
// connection destroyed.

const crypto = require('node:crypto')
const { HyperDHT } = globalThis.lab
const { say, onorder, config } = require('./talk.cjs')
const join = require('./join.cjs')

let dht = null

function serve(key, socket) {
  const hash = crypto.createHash('sha256')
  let received = 0
  let ended = false
  let error = null
  socket.on('error', (failure) => {
    error = failure.code || failure.message
  })
  socket.on('data', (data) => {
    hash.update(data.subarray(0, Math.max(0, config.size - received)))
    received += data.byteLength
    if (received > config.size) socket.destroy()
    else socket.write(data)
  })
  socket.on('end', () => {
    ended = true
    socket.end()
  })
  socket.on('close', () => {
    say('served', { key, client: socket.remotePublicKey.toString('hex'), received, digest: hash.digest('hex'), ended, error })
  })
}

async function main() {
  dht = await join(config)
  const keys = []
  for (let key = 0; key < config.keys; key++) {
    const server = dht.createServer((socket) => serve(key, socket))
    const keyPair = HyperDHT.keyPair()
    await server.listen(keyPair)
    keys.push(keyPair.publicKey.toString('hex'))
  }
  say('ready', { keys, firewalled: dht.firewalled })
}

onorder(async (order) => {
  if (order.order === 'stop') {
    await dht.destroy({ force: true })
    process.exit(0)
  }
})

main()
