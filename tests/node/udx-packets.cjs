'use strict'
// Packets of real UDX streams, received by a plain UDP socket; and, the other way round, what a real stream makes of
// packets that it is sent: node udx-packets.cjs reads lines of hex and prints the events of stream 1.

const dgram = require('dgram')
const { once } = require('events')
const { createInterface } = require('readline')
const UDX = require('udx-native')

async function open () {
  const udx = new UDX()
  const socket = udx.createSocket()
  socket.bind(0, '127.0.0.1')
  const plain = dgram.createSocket('udp4')
  plain.bind(0, '127.0.0.1')
  await once(plain, 'listening')
  const stream = udx.createStream(1)
  stream.on('error', () => {})
  const closed = new Promise((resolve) => stream.on('close', resolve))
  stream.connect(socket, 0x01020304, plain.address().port, '127.0.0.1')
  return {
    socket,
    plain,
    stream,
    send: (packet) => plain.send(packet, socket.address().port, '127.0.0.1'),
    close: async () => {
      stream.destroy()
      await closed
      plain.close()
      await socket.close()
    }
  }
}

function header (flags, seq, ack) {
  const h = Buffer.alloc(20)
  h.writeUInt8(0xff, 0)
  h.writeUInt8(1, 1)
  h.writeUInt8(flags, 2)
  h.writeUInt32LE(1, 4)
  h.writeUInt32LE(1 << 20, 8)
  h.writeUInt32LE(seq, 12)
  h.writeUInt32LE(ack, 16)
  return h
}

async function capturePackets () {
  const { plain, stream, send, close } = await open()
  const packets = []
  let wanted = null
  plain.on('message', (packet) => {
    const flags = packet[2]
    if (wanted && wanted.test(flags)) {
      packets.push({ name: wanted.name, hex: packet.toString('hex') })
      wanted.found()
    }
  })
  const take = (name, test, act) =>
    new Promise((resolve) => {
      wanted = { name, test, found: () => { wanted = null; resolve() } }
      act()
    })

  await take('data', (f) => f & 1, () => stream.write(Buffer.from('the first data')))
  send(header(0, 0, 1))
  await take('message', (f) => f === 8, () => stream.send(Buffer.from('a message')))
  await take('heartbeat', (f) => f & 32, () => stream.setKeepalive(20))
  stream.setKeepalive(0)
  const data = (seq) => Buffer.concat([header(1, seq, 1), Buffer.from('data ' + seq)])
  stream.on('data', () => {})
  await take('ack', (f) => f === 0, () => send(data(0)))
  await take('one range', (f) => f === 4, () => send(data(2)))
  await take('two ranges', (f) => f === 4, () => send(data(4)))
  await take('end', (f) => f & 2, () => stream.end())
  await take('destroy', (f) => f & 16, () => stream.destroy())
  await close()
  return packets
}

async function main () {
  const { stream, send, close } = await open()
  const events = []
  const lines = []
  for await (const line of createInterface({ input: process.stdin })) lines.push(line)
  const done = new Promise((resolve) => {
    stream.on('data', (data) => events.push(['data', data.toString('hex')]))
    stream.on('message', (data) => events.push(['message', data.toString('hex')]))
    stream.on('end', () => { events.push(['end']); resolve() })
  })
  for (const line of lines) send(Buffer.from(line, 'hex'))
  await done
  await close()
  console.log(JSON.stringify(events))
}

module.exports = { capturePackets }

if (require.main === module) main()
