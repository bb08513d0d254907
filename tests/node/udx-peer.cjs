'use strict'
// One end of a real UDX stream, for ours at the other end: node udx-peer.cjs '{"port": 1234, ...}'. It prints its port,
// does what `act` says, and prints what it saw when its stream is closed.
//
//   exchange   sends `size` bytes and ends, reads to the end
//   echo       sends back what comes, ends after the peer's end; the same with messages
//   destroy    destroys its stream when it has read `size` bytes
//   sink       reads to the end, then ends
//   move       like exchange, and at half of it changes to a second port of the peer, `port2`
//
// `bind` is the port to take, `id` and `remoteId` are those of the streams. With `secret` ({tx, rx, hash, initiator}) a
// secret stream runs on top. `seconds` is how long reading took, `cpu` the processor's seconds from the start of the
// stream to its end.

const { createHash } = require('crypto')
const UDX = require('udx-native')
const SecretStream = require('@hyperswarm/secret-stream')

const options = JSON.parse(process.argv[2])
const { port, act, size = 0 } = options
const udx = new UDX()
const socket = udx.createSocket()
socket.bind(options.bind || 0, '127.0.0.1')

const raw = udx.createStream(options.id || 22, { framed: options.framed === true })
raw.connect(socket, options.remoteId || 11, port, '127.0.0.1')
if (options.keepalive) raw.setKeepalive(options.keepalive)

let stream = raw
if (options.secret) {
  const { tx, rx, hash, initiator } = options.secret
  const hex = (text) => Buffer.from(text, 'hex')
  const handshake = { tx: hex(tx), rx: hex(rx), hash: hex(hash), publicKey: Buffer.alloc(32, 1), remotePublicKey: Buffer.alloc(32, 2) }
  stream = new SecretStream(initiator, raw, { handshake, keepAlive: options.keepAlive || 0 })
}

const saw = { read: 0, ended: false, error: null, messages: [], moved: false, chunks: 0 }
const digest = createHash('sha256')
let started = 0n
const cpu = process.cpuUsage()

stream.on('data', (data) => {
  if (!started) started = process.hrtime.bigint()
  saw.read += data.byteLength
  saw.chunks++
  digest.update(data)
  if (act === 'echo') stream.write(data)
  if (act === 'destroy' && saw.read >= size) stream.destroy()
  if (act === 'move' && !saw.moved && saw.read >= size / 2) {
    saw.moved = true
    // Null when nothing was in flight.
    Promise.resolve(raw.changeRemote(socket, 11, options.port2, '127.0.0.1')).then(() => { saw.changed = true })
  }
})
stream.on('end', () => {
  saw.ended = true
  saw.seconds = started ? Number(process.hrtime.bigint() - started) / 1e9 : 0
  if (act === 'echo' || act === 'sink') stream.end()
})
stream.on('message', (data) => {
  saw.messages.push(data.toString('hex'))
  if (act === 'echo') stream.send(data)
})
stream.on('error', (error) => { saw.error = error.code || error.message })
stream.on('close', async () => {
  saw.sha256 = digest.digest('hex')
  saw.retransmits = raw.retransmits
  const { user, system } = process.cpuUsage(cpu)
  saw.cpu = (user + system) / 1e6
  console.log(JSON.stringify(saw))
  socket.close()
})

console.log(JSON.stringify({ port: socket.address().port }))
if (act === 'exchange' || act === 'move') {
  const data = createHash('shake256', { outputLength: size }).update('theirs').digest()
  for (let at = 0; at < size; at += 65536) stream.write(data.subarray(at, at + 65536))
  stream.end()
}
