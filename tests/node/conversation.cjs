'use strict'
// The datagrams that real hyperdht nodes on loopback send for one connection and each storage command, as they are
// handed to the socket. A few of each kind are kept, and of each response the request. UDX packets do not pass here.

const createTestnet = require('hyperdht/testnet')
const DHT = require('hyperdht')
const { once } = require('events')

const KEPT_OF_A_KIND = 3

async function captureConversation () {
  const { prototype } = new (require('udx-native'))().createSocket().constructor
  const { trySend } = prototype
  const datagrams = []
  prototype.trySend = function (buffer, port, host, ttl) {
    datagrams.push({ from: this.address().port, to: port, ttl: ttl || 0, bytes: Buffer.from(buffer) })
    return trySend.call(this, buffer, port, host, ttl)
  }

  const testnet = await createTestnet(6)
  const a = testnet.createNode({ quickFirewall: false })
  const b = testnet.createNode({ quickFirewall: false })

  const server = b.createServer((socket) => { socket.on('error', () => {}); socket.end() })
  await server.listen(DHT.keyPair(Buffer.alloc(32, 7)))
  const socket = a.connect(server.publicKey, { localConnection: false })
  socket.on('error', () => {})
  await once(socket, 'open')
  socket.end()
  await once(socket, 'close')

  const keyPair = DHT.keyPair(Buffer.alloc(32, 8))
  const topic = Buffer.alloc(32, 9)
  await a.announce(topic, keyPair).finished()
  for await (const _ of a.lookup(topic)) { /* only the traffic matters */ }
  await a.unannounce(topic, keyPair)
  const { hash } = await a.immutablePut(Buffer.from('immutable'))
  await b.immutableGet(hash)
  await a.mutablePut(keyPair, Buffer.from('mutable'), { seq: 3 })
  await b.mutableGet(keyPair.publicKey)
  await a.delayedPing({ host: '127.0.0.1', port: testnet.bootstrap[0].port }, 10)
  await server.close()
  await testnet.destroy()
  prototype.trySend = trySend
  return selected(datagrams).map(({ bytes, ...rest }) => ({ ...rest, hex: bytes.toString('hex') }))
}

function selected (datagrams) {
  const seen = new Map()
  const kept = new Set()
  for (const datagram of datagrams) {
    const label = kind(datagram.bytes)
    const count = seen.get(label) || 0
    seen.set(label, count + 1)
    if (count >= KEPT_OF_A_KIND) continue
    kept.add(datagram)
    const request = datagram.bytes[0] === 0x13 && datagrams.find((other) => answers(datagram, other))
    if (request) kept.add(request)
  }
  return datagrams.filter((datagram) => kept.has(datagram))
}

function answers (response, request) {
  return request.bytes[0] === 0x03 && request.from === response.to && request.to === response.from &&
    request.bytes.readUInt16LE(2) === response.bytes.readUInt16LE(2)
}

// Type, flags, and for a request the command: what makes one datagram of another kind than the next.
function kind (buffer) {
  if (buffer[0] !== 0x03) return `${buffer[0]} ${buffer[1]} ${buffer.byteLength >> 4}`
  const at = 10 + (buffer[1] & 1 ? 32 : 0) + (buffer[1] & 2 ? 32 : 0)
  const mode = buffer[at] < 2 && !(buffer[1] & 4) ? buffer[at + 35] : 0
  return `3 ${buffer[1]} ${buffer[at]} ${mode}`
}

module.exports = { captureConversation }
