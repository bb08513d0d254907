'use strict'
// A real blind relay, or a real client of one, for ours: node relay-peers.cjs '{"role": "relay" | "client", ...}'.
//
//   relay    has a secret stream for each of `clients` (their control stream's id, remoteId, keys, publicKey), tells
//            its port, when a session closes, and after a line of input its stats
//   client   has one to the relay at `port`; asks for the partner of `token`, runs a secret stream with `data` on the
//            relayed stream, sends `size` bytes, reads to the end, tells what it saw
//
// act: "exchange" ends when all is sent, "answer" when the partner has ended, "destroy" destroys its stream when it has
// read something, "unpair" takes the pair back after a line of input.

const { createHash } = require('crypto')
const UDX = require('udx-native')
const SecretStream = require('@hyperswarm/secret-stream')
const relay = require('blind-relay')

const options = JSON.parse(process.argv[2])
const udx = new UDX()
const socket = udx.createSocket()
socket.bind(0, '127.0.0.1')
const hex = (text) => Buffer.from(text, 'hex')
const tell = (what) => console.log(JSON.stringify(what))

function secret (raw, { initiator, tx, rx, hash }, publicKey) {
  const handshake = { tx: hex(tx), rx: hex(rx), hash: hex(hash), publicKey: hex(publicKey), remotePublicKey: hex(publicKey) }
  const stream = new SecretStream(initiator, raw, { handshake, keepAlive: 5000 })
  stream.on('error', () => {})
  return stream
}

function runRelay () {
  let id = 5000
  const server = new relay.Server({ createStream: (opts) => udx.createStream(id++, { framed: true, ...opts }) })
  for (const each of options.clients) {
    const raw = udx.createStream(each.id, {
      framed: true,
      firewall (from, port, host) {
        if (!raw.connected) raw.connect(from, each.remoteId, port, host)
        return false
      }
    })
    raw.once('connect', () => {
      const session = server.accept(secret(raw, each.keys, each.publicKey), { id: hex(each.publicKey) })
      session.on('error', () => {})
      session.on('close', () => tell({ closed: each.id }))
    })
  }
  process.stdin.once('data', () => {
    const { sessions, pairings, streams } = server.stats
    tell({ stats: { opened: sessions.opened, matched: pairings.matched, cancelled: pairings.cancelled, pending: pairings.pending, links: pairings.active, streams: streams.active } })
    process.exit(0)
  })
}

function runClient () {
  const { port, act, size } = options
  const control = udx.createStream(options.id, { framed: true })
  control.connect(socket, options.remoteId, port, '127.0.0.1')
  const through = secret(control, options.keys, options.publicKey)
  const client = relay.Client.from(through, { id: through.publicKey })
  const raw = udx.createStream(options.dataId, { framed: true })
  const token = hex(options.token)
  const saw = { read: 0, ended: false, error: null, relayError: null }
  const finish = () => { control.once('close', () => socket.close()); through.end(); tell(saw) }

  client.on('open', () => tell({ opened: true }))
  const request = client.pair(options.isInitiator, token, raw)
  request.on('error', (error) => { saw.relayError = error.code; finish() })
  request.on('data', (remoteId) => {
    raw.connect(socket, remoteId, port, '127.0.0.1')
    const stream = secret(raw, options.data, options.publicKey)
    const digest = createHash('sha256')
    stream.on('data', (data) => { saw.read += data.byteLength; digest.update(data) })
    stream.on('end', () => { saw.ended = true })
    stream.on('error', (error) => { saw.error = error.code || error.message })
    // A secret stream closes before what it has written is acknowledged; the raw one after that, and hyperdht then
    // ends the connection to the relay.
    let open = 2
    const closed = () => { if (--open === 0) { saw.sha256 = digest.digest('hex'); finish() } }
    stream.on('close', closed)
    raw.on('close', closed)
    const sent = createHash('shake256', { outputLength: size }).update('theirs').digest()
    for (let at = 0; at < size; at += 65536) stream.write(sent.subarray(at, at + 65536))
    if (act === 'exchange') stream.end()
    if (act === 'answer') stream.on('end', () => stream.end())
    if (act === 'destroy') stream.once('data', () => stream.destroy())
  })
  if (act === 'unpair') process.stdin.once('data', () => client.unpair(token))
}

if (options.role === 'relay') runRelay()
else runClient()
tell({ port: socket.address().port })
