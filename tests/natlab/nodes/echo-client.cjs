'use strict'
// One host that connects when it is told to, has bytes echoed, and closes the connection in the way it is told.

const crypto = require('node:crypto')
const { say, onorder, config } = require('./talk.cjs')
const join = require('./join.cjs')

const PIECE = 32768

let dht = null

function connect(order) {
  const data = crypto.randomBytes(order.size)
  const hash = crypto.createHash('sha256')
  const sent = crypto.createHash('sha256').update(data).digest('hex')
  let received = 0
  let opened = null
  let echoed = null
  let ended = false
  let error = null
  const started = performance.now()
  const seconds = () => (performance.now() - started) / 1000
  const socket = dht.connect(Buffer.from(order.public_key, 'hex'), { fastOpen: order.fast_open })
  socket.on('error', (failure) => {
    error = failure.code || failure.message
  })
  socket.on('open', () => {
    opened = seconds()
    for (let at = 0; at < data.byteLength; at += PIECE) socket.write(data.subarray(at, at + PIECE))
  })
  socket.on('data', (piece) => {
    hash.update(piece)
    received += piece.byteLength
    if (received < data.byteLength || echoed !== null) return
    echoed = seconds()
    if (order.finish === 'end') socket.end()
    else if (order.finish === 'destroy') socket.destroy()
    else socket.write(Buffer.from([0]))
  })
  socket.on('end', () => {
    ended = true
  })
  socket.on('close', () => {
    const intact = received === data.byteLength && hash.digest('hex') === sent
    say('closed', { label: order.label, connect: opened, echo: echoed === null ? null : echoed - opened, intact, digest: sent, ended, error })
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
  say('ready', { public_key: dht.defaultKeyPair.publicKey.toString('hex'), firewalled: dht.firewalled })
})
