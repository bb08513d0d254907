'use strict'
// The reference's own encoders and decoders, by the names that the tests use for them.
// A value in JSON has the reference's field names, buffers as hex, addresses as { host, port }.

const c = require('compact-encoding')
const messages = require('hyperdht/lib/messages')
const peer = require('dht-rpc/lib/peer')
const IO = require('dht-rpc/lib/io')
const b4a = require('b4a')

// The address that every message comes from; its id is the only one the reference accepts from there.
const OWN_ADDRESS = { host: '88.99.3.86', port: 49737 }
const OWN_ID = peer.id(OWN_ADDRESS.host, OWN_ADDRESS.port)
const PACKAGES = ['hyperdht', 'dht-rpc', 'compact-encoding', 'hypercore-crypto', 'udx-native']

const values = {
  uint: c.uint,
  string: c.string,
  buffer: c.buffer,
  ipv4_address: c.ipv4Address,
  ipv6_address: c.ipv6Address,
  handshake: messages.handshake,
  holepunch: messages.holepunch,
  noise_payload: messages.noisePayload,
  holepunch_payload: messages.holepunchPayload,
  peer_record: messages.peer,
  lookup_reply: {
    preencode (state, m) { messages.lookupRawReply.preencode(state, raw(m)) },
    encode (state, m) { messages.lookupRawReply.encode(state, raw(m)) },
    decode: messages.lookupRawReply.decode
  },
  announce: messages.announce,
  mutable_put: messages.mutablePutRequest,
  mutable_get: c.uint,
  mutable_get_reply: messages.mutableGetResponse,
  plugin_request: messages.pluginRequest,
  ping_nat: c.uint16,
  down_hint: peer.ipv4,
  delayed_ping: c.uint32
}

// A lookup reply is encoded from records that are encoded already.
function raw (m) {
  return { peers: m.peers.map((p) => c.encode(messages.peer, p)), bump: m.bump }
}

// An IO that sends to an array and belongs to no node.
function createIO (sent) {
  const io = new IO(
    { id: OWN_ID, closest: () => io.closest },
    { watchNetworkInterfaces: () => ({ destroy () {} }) },
    { onrequest () {} }
  )
  io.closest = []
  io.socket = { trySend: (buffer) => sent.push(buffer) }
  return io
}

function encodeRequest (m) {
  const io = createIO([])
  io.ephemeral = !m.id
  io.serverSocket = io.clientSocket = io.socket
  io._tid = m.tid
  const req = io.createRequest(m.to, m.token, m.internal, m.command, m.target, m.value, null)
  return req._encodeRequest(m.token, m.value, m.to, io.socket)
}

function encodeResponse (m) {
  const sent = []
  const io = createIO(sent)
  io.ephemeral = !m.id
  io.serverSocket = io.clientSocket = io.socket
  io.closest = m.closerNodes || []
  if (m.token) io.token = () => m.token
  io._tid = m.tid
  const req = io.createRequest(m.to, null, true, 0, OWN_ID, null, null)
  req._sendReply(m.error, m.value, !!m.token, !!m.closerNodes, m.to, io.socket)
  return sent[0]
}

const io = createIO([])
const { constructor: Request } = io.createRequest(null, null, true, 0, null, null, null)

function decodeRequest (buffer, from) {
  if (buffer.byteLength < 2 || buffer[0] !== 0x03) return null
  const node = { id: null, ...from }
  const req = Request.decode(io, null, node, { start: 1, end: buffer.byteLength, buffer })
  if (req === null) return null
  const { tid, to, token, command, internal, target, value } = req
  return { tid, to: address(to), id: node.id, token, internal, command, target, value }
}

// The reference gives a response only to the request that waits for its tid, so one waits for each.
const waiting = Array.from({ length: 65536 }, (_, tid) => ({ tid, sent: 1, session: null, to: {} }))

function decodeResponse (buffer, from) {
  let found = null
  io.inflight = waiting.slice()
  for (const req of waiting) req.onresponse = (res) => { found = res }
  if (buffer[0] === 0x13) io.onmessage(io.socket, buffer, from)
  if (found === null) return null
  const { tid, to, token, closerNodes, error, value } = found
  return {
    tid,
    to: address(to),
    id: found.from.id,
    token,
    closerNodes: closerNodes && closerNodes.map(address),
    error,
    value
  }
}

function address ({ host, port }) {
  return { host, port }
}

function encode (codec, value) {
  if (codec === 'request') return encodeRequest(value)
  if (codec === 'response') return encodeResponse(value)
  return c.encode(values[codec], value)
}

// null where the reference refuses the bytes
function decode (codec, buffer, from) {
  if (codec === 'request') return plain(decodeRequest(buffer, from))
  if (codec === 'response') return plain(decodeResponse(buffer, from))
  try {
    return plain(c.decode(values[codec], buffer))
  } catch {
    return null
  }
}

function plain (value) {
  if (value === null || typeof value !== 'object') return value
  if (b4a.isBuffer(value) || value instanceof Uint8Array) return b4a.toString(value, 'hex')
  if (Array.isArray(value)) return value.map(plain)
  if ('host' in value) return address(value)
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, plain(field)]))
}

function versions () {
  const found = { node: process.version }
  for (const name of PACKAGES) found[name] = require(name + '/package.json').version
  return found
}

module.exports = { encode, decode, plain, versions, OWN_ADDRESS, OWN_ID, peer }
