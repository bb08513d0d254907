'use strict'
// Writes ../protocol/vectors/blind_relay.json: messages of the real protomux and blind-relay, with who did what before
// each. Both ends of a conversation are real; between two steps everything that is under way arrives.

const fs = require('fs')
const path = require('path')
const dgram = require('dgram')
const { once } = require('events')
const { createHash } = require('crypto')
const { Duplex } = require('streamx')
const UDX = require('udx-native')
const Protomux = require('protomux')
const relay = require('blind-relay')
const c = require('compact-encoding')

const PACKAGES = ['protomux', 'blind-relay', 'udx-native', 'compact-encoding', 'compact-encoding-bitfield', 'bits-to-bytes', 'hyperdht']
const bytes = (label, size) => createHash('shake256', { outputLength: size }).update(label).digest()
const hex = (b) => b && Buffer.from(b).toString('hex')
const key = bytes('key', 32)
const token = bytes('token', 32)

// Two streams, what is written to one comes out of the other; each message is recorded.
function streams (steps, names) {
  const make = (name) => {
    const stream = new Duplex({
      write (data, cb) {
        steps.push({ from: name, hex: hex(data) })
        setImmediate(() => stream.peer.push(Buffer.from(data)))
        cb()
      },
      read (cb) { cb() },
      final (cb) { cb() }
    })
    stream.userData = null
    stream.on('error', (error) => steps.push({ error: error.message, side: name }))
    return stream
  }
  const [a, b] = names.map(make)
  a.peer = b
  b.peer = a
  return [a, b]
}

async function settle () {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve))
}

// Acts: open name protocol key handshake aliases | send name type content | close name | cork | uncork
async function conversation (acts) {
  const steps = []
  const [a, b] = streams(steps, ['a', 'b'])
  const muxes = { a: new Protomux(a), b: new Protomux(b) }
  const channels = {}
  for (const together of acts) {
    for (const [side, act, ...args] of together) {
      steps.push({ side, act, args })
      const mux = muxes[side]
      if (act === 'cork') mux.cork()
      if (act === 'uncork') mux.uncork()
      if (act === 'open') {
        const [name, protocol, id, handshake, aliases] = args
        const event = (what, more) => steps.push({ side, event: what, channel: name, ...more })
        const channel = mux.createChannel({
          protocol,
          id: id && Buffer.from(id, 'hex'),
          aliases: aliases || [],
          handshake: handshake === null ? null : c.raw,
          onopen: (theirs) => event('opened', { handshake: hex(theirs) }),
          onclose: (remote) => { if (remote) event('closed') }
        })
        for (let type = 0; type < 3; type++) {
          channel.addMessage({ encoding: c.raw, onmessage: (content) => event('message', { type, content: hex(content) }) })
        }
        channels[side + name] = channel
        channel.open(handshake && Buffer.from(handshake, 'hex'))
      }
      if (act === 'send') channels[side + args[0]].messages[args[1]].send(Buffer.from(args[2], 'hex'))
      if (act === 'close') channels[side + args[0]].close()
    }
    await settle()
  }
  return steps
}

const X = ['x', 'example', null, null]
const K = ['k', 'example', hex(key), null]
const muxed = {
  'open, talk, close': [
    [['a', 'open', ...X], ['b', 'open', ...X]],
    [['a', 'send', 'x', 0, '']],
    [['a', 'send', 'x', 2, 'ff00'], ['b', 'send', 'x', 1, hex(bytes('content', 300))]],
    [['a', 'close', 'x']]
  ],
  handshakes: [[['a', 'open', 'h', 'größer', hex(key), '0102'], ['b', 'open', 'h', 'größer', hex(key), hex(bytes('h', 300))]]],
  'a long key': [[['a', 'open', 'h', 'x'.repeat(253), hex(bytes('long', 255)), null], ['b', 'open', 'h', 'x'.repeat(253), hex(bytes('long', 255)), null]]],
  'nobody there': [[['a', 'open', ...X]], [['b', 'open', ...X]], [['a', 'open', ...K], ['b', 'open', ...K]]],
  'another key': [[['a', 'open', ...K], ['b', 'open', ...X]]],
  'messages behind the open': [[['b', 'open', ...X], ['a', 'open', ...X], ['a', 'send', 'x', 0, '01'], ['a', 'send', 'x', 1, '02']]],
  'closed before the answer': [[['a', 'open', ...X], ['a', 'close', 'x'], ['b', 'open', ...X]], [['a', 'open', ...X], ['b', 'open', ...X]], [['b', 'send', 'x', 0, 'aa']]],
  'closed by both': [[['a', 'open', ...X], ['b', 'open', ...X]], [['a', 'close', 'x'], ['b', 'close', 'x']], [['a', 'open', ...K], ['b', 'open', ...K]]],
  'a free number is used again': [
    [['a', 'open', ...X], ['b', 'open', ...X], ['a', 'open', ...K], ['b', 'open', ...K]],
    [['a', 'close', 'x']],
    [['b', 'send', 'k', 0, '07']],
    [['a', 'open', ...X], ['b', 'open', ...X]],
    [['b', 'send', 'x', 0, '08']]
  ],
  'the latest free number first': [
    [['a', 'open', ...X], ['b', 'open', ...X], ['a', 'open', ...K], ['b', 'open', ...K]],
    [['a', 'close', 'x']],
    [['b', 'close', 'k']],
    [['a', 'open', ...X], ['a', 'open', ...K], ['b', 'open', ...X], ['b', 'open', ...K]],
    [['b', 'send', 'x', 0, '01'], ['a', 'send', 'k', 0, '02']]
  ],
  'message to a closed channel': [[['a', 'open', ...X], ['b', 'open', ...X]], [['a', 'close', 'x'], ['b', 'send', 'x', 0, '01']]],
  'another name': [
    [['a', 'open', 'x', 'old', null, null, ['new']], ['b', 'open', 'x', 'new', null, null, ['old', 'older']]],
    [['a', 'send', 'x', 0, '01']],
    [['b', 'close', 'x']],
    [['a', 'open', 'x', 'new', hex(key), null, ['newer']], ['b', 'open', 'x', 'newer', hex(key), null, ['new']]]
  ],
  'another name that only one side knows': [
    [['a', 'open', 'x', 'old', null, null], ['b', 'open', 'x', 'new', null, null, ['old', 'older']]]
  ],
  'one batch': [
    [['a', 'open', ...X], ['b', 'open', ...X], ['a', 'open', ...K], ['b', 'open', ...K]],
    [['a', 'cork'], ['a', 'send', 'x', 0, '01'], ['a', 'send', 'x', 1, ''], ['a', 'send', 'k', 2, hex(bytes('content', 300))], ['a', 'send', 'x', 0, '04'], ['a', 'uncork']],
    [['b', 'cork'], ['b', 'send', 'x', 0, '05'], ['b', 'uncork']],
    [['b', 'cork'], ['b', 'close', 'x'], ['b', 'send', 'k', 0, '06'], ['b', 'uncork']]
  ],
  'opens in a batch': [
    [['a', 'cork'], ['a', 'open', ...X], ['a', 'open', ...K], ['a', 'send', 'k', 1, '01'], ['a', 'uncork'], ['b', 'open', ...X]],
    [['b', 'open', ...K]]
  ],
  'nested corks': [
    [['a', 'open', ...X], ['b', 'open', ...X]],
    [['a', 'cork'], ['a', 'cork'], ['a', 'send', 'x', 0, '01'], ['a', 'uncork'], ['a', 'send', 'x', 0, '02'], ['a', 'uncork']],
    [['a', 'cork'], ['a', 'uncork']]
  ]
}

// Two clients and a relay; `acts` are those of the clients.
async function relayed (acts) {
  const steps = []
  const udx = new UDX()
  let id = 100
  const made = []
  const stream = () => { const s = udx.createStream(id++); s.on('error', () => {}); made.push(s); return s }
  const server = new relay.Server({ createStream: (opts) => { const s = udx.createStream(id++, opts); s.on('error', () => {}); made.push(s); return s } })
  const clients = {}
  const open = []
  for (const name of ['a', 'b']) {
    const [theirs, ours] = streams(steps, [name, 'relay ' + name])
    const clientKey = bytes('key of ' + name, 32)
    const session = server.accept(ours, { id: clientKey })
    session.on('pair', (isInitiator, token, stream, remoteId) => steps.push({ side: 'relay ' + name, event: 'pair', isInitiator, token: hex(token), id: stream.id, remoteId }))
    session.on('error', () => {})
    const client = clients[name] = relay.Client.from(theirs, { id: clientKey })
    client.on('open', () => steps.push({ side: name, event: 'opened' }))
    client.on('close', () => steps.push({ side: name, event: 'closed' }))
    open.push(theirs, ours)
  }
  await settle()
  for (const together of acts) {
    for (const [side, act, ...args] of together) {
      const client = clients[side]
      if (act === 'pair') {
        const [isInitiator, token] = args
        const raw = stream()
        steps.push({ side, act, args: [...args, raw.id] })
        client.pair(isInitiator, Buffer.from(token, 'hex'), raw)
          .on('error', (error) => steps.push({ side, event: 'failed', error: error.code, token }))
          .on('data', (remoteId) => steps.push({ side, event: 'paired', token, isInitiator, id: raw.id, remoteId }))
      } else {
        steps.push({ side, act, args })
        if (act === 'unpair') client.unpair(Buffer.from(args[0], 'hex'))
        if (act === 'end') client.end()
        if (act === 'destroy') client.destroy()
        if (act === 'cork') client.cork()
        if (act === 'uncork') client.uncork()
      }
      await Promise.resolve()
    }
    await settle()
  }
  for (const s of made) s.destroy()
  const { sessions, pairings } = server.stats
  const stats = { accepted: sessions.accepted, requested: pairings.requested, matched: pairings.matched, cancelled: pairings.cancelled }
  return { steps: steps.slice(), stats }
}

// Packets that a real relayed stream gets, and what comes out at the other peer, if anything does.
async function packets () {
  const udx = new UDX()
  const socket = udx.createSocket()
  socket.bind(0, '127.0.0.1')
  const make = (id, remoteId) => {
    const stream = udx.createStream(id, { firewall (from, port, host) { stream.connect(from, remoteId, port, host); return false } })
    stream.on('error', () => {})
    return stream
  }
  const a = make(0x01020304, 0xfffefdfc)
  const b = make(7, 9)
  a.relayTo(b)
  b.relayTo(a)
  const plain = await Promise.all([0, 1].map(async () => {
    const one = dgram.createSocket('udp4')
    one.bind(0, '127.0.0.1')
    await once(one, 'listening')
    return one
  }))
  const packet = (id, flags, more) => {
    const header = Buffer.alloc(20)
    header.set([0xff, 1, flags, more.offset || 0])
    header.writeUInt32LE(id, 4)
    header.writeUInt32LE(0x11223344, 8)
    header.writeUInt32LE(more.seq || 0, 12)
    header.writeUInt32LE(0x55667788, 16)
    return Buffer.concat([header, bytes('content', more.size || 0)])
  }
  const steps = []
  const send = async (from, data, answered) => {
    const out = answered && once(plain[1 - from], 'message')
    plain[from].send(data, socket.address().port, '127.0.0.1')
    const [found] = answered ? await out : [null]
    if (!answered) await new Promise((resolve) => setTimeout(resolve, 50))
    steps.push({ from, hex: hex(data), out: found && hex(found) })
  }
  await send(0, packet(a.id, 1, { size: 3 }), false)
  await send(1, packet(b.id, 1, { size: 30 }), true)
  for (const flags of [0, 1, 2, 3, 4, 8, 32, 64]) await send(0, packet(a.id, flags, { size: 16 * flags, seq: 0xffffffff }), true)
  await send(1, packet(b.id, 5, { size: 40, offset: 8 }), true)
  await send(0, packet(a.id, 16, {}), true)
  for (const one of plain) one.close()
  await socket.close()
  return steps
}

const T = hex(token)
const U = hex(bytes('other token', 32))
const talks = {
  'a pair': [[['a', 'pair', true, T]], [['b', 'pair', false, T]]],
  'a pair, the other first': [[['b', 'pair', false, T]], [['a', 'pair', true, T]], [['b', 'unpair', T]]],
  'two pairs': [[['a', 'pair', true, T]], [['a', 'pair', false, U]], [['b', 'pair', true, U]], [['b', 'pair', false, T]]],
  'both the same half': [[['a', 'pair', true, T]], [['b', 'pair', true, T]], [['b', 'unpair', T]]],
  'taken back': [[['a', 'pair', true, T]], [['a', 'unpair', T]], [['b', 'pair', false, T]]],
  'taken back by the partner': [[['a', 'pair', true, T]], [['b', 'unpair', T]], [['b', 'pair', false, T]]],
  'ended when paired': [[['a', 'pair', true, T]], [['a', 'end']], [['b', 'pair', false, T]]],
  destroyed: [[['a', 'pair', true, T]], [['a', 'destroy']], [['b', 'pair', false, T]]],
  'the same token again': [[['a', 'pair', true, T]], [['b', 'pair', false, T]], [['a', 'pair', true, T]], [['b', 'pair', false, T]]]
}

const pairs = [0, 1, 0xfc, 0xfd, 0xffff, 0x10000, 0xffffffff].flatMap((id) => [true, false].map((isInitiator) => ({ isInitiator, token, id, seq: 0 })))
pairs.push({ isInitiator: true, token: key, id: 7, seq: 0x12345 })

async function main () {
  const messages = [
    ...pairs.map((value) => ({ codec: 'pair', hex: hex(c.encode(relay.messages.pair, value)), value: { ...value, token: hex(value.token) } })),
    ...[token, key].map((t) => ({ codec: 'unpair', hex: hex(c.encode(relay.messages.unpair, { token: t })), value: { token: hex(t) } }))
  ]
  const versions = { node: process.version }
  for (const name of PACKAGES) versions[name] = require(name + '/package.json').version
  const content = { versions, messages, mux: {}, relay: {}, packets: await packets() }
  for (const [name, acts] of Object.entries(muxed)) content.mux[name] = await conversation(acts)
  for (const [name, acts] of Object.entries(talks)) content.relay[name] = await relayed(acts)
  const file = path.join(__dirname, '..', 'protocol', 'vectors', 'blind_relay.json')
  fs.writeFileSync(file, JSON.stringify(content, null, 1) + '\n')
}

main()
