'use strict'
// Writes ../protocol/vectors: bytes that the npm packages made, with the values they decode them to.
// node make-vectors.cjs [encodings] [hashes] [udx] [conversation]; keys and tids of a conversation differ each time.

const fs = require('fs')
const path = require('path')
const crypto = require('crypto')
const hypercoreCrypto = require('hypercore-crypto')
const { COMMANDS, NS } = require('hyperdht/lib/constants')
const { encode, decode, versions, OWN_ADDRESS, OWN_ID, peer } = require('./reference-codecs.cjs')
const { capturePackets } = require('./udx-packets.cjs')
const { captureConversation } = require('./conversation.cjs')

const out = path.join(__dirname, '..', 'protocol', 'vectors')

// The same bytes each time, so that a file changes only when an encoding does.
function bytes (label, size) {
  return crypto.createHash('shake256', { outputLength: size }).update(label).digest()
}

const A = OWN_ADDRESS
const B = { host: '192.168.10.2', port: 40001 }
const C = { host: '255.255.255.255', port: 65535 }
const V6 = { host: '2001:db8:0:0:0:0:0:1', port: 3000 }
const key = bytes('key', 32)
const token = bytes('token', 32)
const target = bytes('target', 32)
const record = { publicKey: key, relayAddresses: [A, B, C] }

const handshakes = [0, 1, 2, 3, 4].flatMap((mode) => [
  { mode, noise: bytes('noise', 96 + 37 * mode), peerAddress: null, relayAddress: null },
  { mode, noise: bytes('noise', 252 + mode), peerAddress: A, relayAddress: null },
  { mode, noise: bytes('noise', 64), peerAddress: null, relayAddress: B },
  { mode, noise: bytes('noise', 300), peerAddress: C, relayAddress: A }
])
const holepunches = [0, 1, 2, 3, 4].flatMap((mode) => [
  { mode, id: 0, payload: bytes('sealed', 44), peerAddress: null },
  { mode, id: 0xfc + mode, payload: bytes('sealed', 150), peerAddress: B }
])
const sealed = [
  noise({}),
  noise({ error: 1, firewall: 3 }),
  noise({ firewall: 2, holepunch: { id: 0, relays: [] } }),
  noise({ firewall: 2, holepunch: { id: 300, relays: [{ relayAddress: A, peerAddress: B }, { relayAddress: C, peerAddress: A }] } }),
  noise({ addresses4: [A, B], addresses6: [V6, { host: '0:0:0:0:0:0:0:0', port: 0 }] }),
  noise({ udx: { version: 1, reusableSocket: false, id: 1, seq: 0 } }),
  noise({ udx: { version: 1, reusableSocket: true, id: 0xffffffff, seq: 0x10000 }, secretStream: { version: 1 } }),
  noise({ relayThrough: { version: 1, publicKey: key, token } }),
  noise({ relayAddresses: [] }),
  noise({
    error: 3,
    firewall: 1,
    holepunch: { id: 7, relays: [{ relayAddress: A, peerAddress: B }] },
    addresses4: [B],
    addresses6: [V6],
    udx: { version: 1, reusableSocket: true, id: 5, seq: 0 },
    secretStream: { version: 1 },
    relayThrough: { version: 1, publicKey: key, token },
    relayAddresses: [A, C]
  })
]

function noise (fields) {
  return { error: 0, firewall: 0, holepunch: null, addresses4: [], addresses6: [], udx: null, secretStream: null, relayThrough: null, relayAddresses: null, ...fields }
}

const payloads = []
for (let bits = 0; bits < 64; bits++) {
  payloads.push({
    error: bits % 4,
    firewall: (bits >> 1) % 4,
    round: bits % 3,
    connected: !!(bits & 1),
    punching: !!(bits & 2),
    addresses: bits & 4 ? [A, B].slice(0, bits % 3) : null,
    remoteAddress: bits & 8 ? C : null,
    token: bits & 16 ? token : null,
    remoteToken: bits & 32 ? target : null
  })
}

const announces = []
for (let bits = 0; bits < 16; bits++) {
  announces.push({
    peer: bits & 1 ? record : null,
    refresh: bits & 2 ? token : null,
    signature: bits & 4 ? bytes('signature', 64) : null,
    bump: bits & 8 ? 1700000000000 : 0
  })
}

const requests = []
for (let bits = 0; bits < 32; bits++) {
  const internal = !!(bits & 4)
  requests.push({
    tid: [0, 1, 0x1234, 0xffff][bits % 4],
    to: [A, B, C][bits % 3],
    id: bits & 1 ? OWN_ID : null,
    token: bits & 2 ? token : null,
    internal,
    command: bits % (internal ? 5 : 11),
    target: bits & 8 ? target : null,
    value: bits & 16 ? bytes('value', [0, 1, 252, 253, 900][bits % 5]) : null
  })
}

const responses = []
for (let bits = 0; bits < 32; bits++) {
  responses.push({
    tid: [0xffff, 7, 0x8000][bits % 3],
    to: [A, B, C][bits % 3],
    id: bits & 1 ? OWN_ID : null,
    token: bits & 2 ? token : null,
    closerNodes: bits & 4 ? Array.from({ length: 1 + bits % 20 }, (_, i) => ({ host: `10.0.${i}.9`, port: 49737 + i })) : null,
    error: bits & 8 ? [1, 2, 16, 17][bits % 4] : 0,
    value: bits & 16 ? bytes('value', [0, 1, 252, 253, 900][bits % 5]) : null
  })
}

const uints = [0, 1, 0xfc, 0xfd, 0xff, 0x100, 0xffff, 0x10000, 0xffffffff, 0x100000000, Number.MAX_SAFE_INTEGER]
const signature = bytes('signature', 64)

const encodings = {
  uint: uints,
  string: ['', 'plugin', 'größer', '穴を開ける', '\u{1f573}', 'x'.repeat(300)],
  buffer: [0, 1, 252, 253, 300].map((size) => bytes('buffer', size)),
  ipv4_address: [A, B, C, { host: '0.0.0.0', port: 0 }],
  ipv6_address: [V6, { host: 'fe80:0:0:0:1:2:3:4', port: 1 }, { host: '0:0:0:0:0:0:0:0', port: 65535 }],
  request: requests,
  response: responses,
  handshake: handshakes,
  holepunch: holepunches,
  noise_payload: sealed,
  holepunch_payload: payloads,
  peer_record: [record, { publicKey: key, relayAddresses: [] }],
  lookup_reply: [
    { peers: [], bump: 0 },
    { peers: [record, { publicKey: target, relayAddresses: [] }], bump: 1700000000000 }
  ],
  announce: announces,
  mutable_put: [0, 253].map((size) => ({ publicKey: key, seq: size, value: bytes('value', size), signature })),
  mutable_get: uints,
  mutable_get_reply: [1, 900].map((size) => ({ seq: 0x10000 + size, value: bytes('value', size), signature })),
  plugin_request: [
    { plugin: 'presence', version: 1, command: 2, value: null },
    { plugin: '', version: 0, command: 300, value: bytes('value', 40) },
    { plugin: 'größer', version: 7, command: 0, value: bytes('value', 0) }
  ],
  ping_nat: [0, 1, 0x1234, 65535],
  down_hint: [A, C],
  delayed_ping: [0, 1000, 0xffffffff]
}

function write (name, content) {
  const file = path.join(out, name + '.json')
  fs.writeFileSync(file, JSON.stringify({ versions: versions(), ...content }, null, 1) + '\n')
  console.log(path.relative(process.cwd(), file))
}

function makeEncodings () {
  const vectors = []
  for (const [codec, list] of Object.entries(encodings)) {
    for (const value of list) {
      const encoded = encode(codec, value)
      vectors.push({ codec, hex: encoded.toString('hex'), value: decode(codec, encoded, A) })
    }
  }
  return { vectors }
}

function makeHashes () {
  return {
    namespaces: Object.fromEntries(Object.entries(NS).map(([name, ns]) => [COMMANDS[name], ns.toString('hex')])),
    ids: [A, B, C].map((address) => ({ ...address, id: peer.id(address.host, address.port).toString('hex') })),
    targets: [key, token].map((k) => ({ key: k.toString('hex'), target: hypercoreCrypto.hash(k).toString('hex') }))
  }
}

const files = {
  encodings: makeEncodings,
  hashes: makeHashes,
  udx: async () => ({ packets: await capturePackets() }),
  conversation: async () => ({ datagrams: await captureConversation() })
}

async function main (names) {
  fs.mkdirSync(out, { recursive: true })
  for (const name of names.length ? names : Object.keys(files)) write(name, await files[name]())
}

main(process.argv.slice(2))
