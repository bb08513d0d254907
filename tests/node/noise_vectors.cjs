'use strict'

// Prints tests/protocol/noise_vectors.json: handshakes and holepunch payloads of the real packages, with every secret
// that went into them.
//
//   node tests/node/noise_vectors.cjs > tests/protocol/noise_vectors.json

const path = require('path')
const b4a = require('b4a')
const DHT = require('hyperdht')
const z32 = require('z32')
const HyperDHTAddress = require('hyperdht-address')
const { encode: encodeId } = require('hypercore-id-encoding')

const lib = path.join(path.dirname(require.resolve('hyperdht/package')), 'lib')
const NoiseWrap = require(path.join(lib, 'noise-wrap.js'))
const SecurePayload = require(path.join(lib, 'secure-payload.js'))

const hex = (bytes) => b4a.toString(bytes, 'hex')
const copy = (bytes) => b4a.from(bytes)
const seed = (n) => b4a.alloc(32, n)
const address = (n) => ({ host: '192.0.2.' + n, port: 40000 + n })

const plain = {
  version: 1,
  error: 0,
  firewall: 2,
  holepunch: null,
  addresses4: [],
  addresses6: [],
  udx: null,
  secretStream: null,
  relayThrough: null
}
const rich = {
  ...plain,
  firewall: 3,
  holepunch: { id: 7, relays: [{ relayAddress: address(1), peerAddress: address(2) }] },
  addresses4: [address(3), address(4)],
  udx: { version: 1, reusableSocket: true, id: 77, seq: 0 },
  secretStream: { version: 1 }
}

const versions = {}
for (const name of ['hyperdht', 'noise-handshake', 'noise-curve-ed', 'hypercore-id-encoding', 'hyperdht-address', 'z32']) {
  versions[name] = require(path.join(lib, '..', '..', name, 'package.json')).version
}

const handshakes = [
  handshake(10, plain, plain),
  handshake(20, rich, rich),
  handshake(30, plain, { ...plain, version: 1, error: 1 })
]

console.log(JSON.stringify({ versions, handshakes, keys: [keys(1), keys(2), keys(255)] }, null, 1))

function handshake (n, clientPayload, serverPayload) {
  const clientKeyPair = DHT.keyPair(seed(n))
  const serverKeyPair = DHT.keyPair(seed(n + 1))
  const client = new NoiseWrap(clientKeyPair, serverKeyPair.publicKey)
  const server = new NoiseWrap(serverKeyPair, null)
  client.handshake.e = DHT.keyPair(seed(n + 2))
  server.handshake.e = DHT.keyPair(seed(n + 3))

  const plaintexts = []
  const cipherKeys = []
  const encryptAndHash = client.handshake.encryptAndHash
  client.handshake.encryptAndHash = server.handshake.encryptAndHash = function (plaintext) {
    plaintexts.push(hex(plaintext))
    cipherKeys.push(hex(this.key))
    return encryptAndHash.call(this, plaintext)
  }

  // Each side gets its own copy: noise-handshake wipes the buffers it has read from.
  const noise1 = copy(client.send(clientPayload))
  server.recv(copy(noise1))
  const noise2 = copy(server.send(serverPayload))
  client.recv(copy(noise2))
  const { hash, holepunchSecret } = client.final()

  const payload = new SecurePayload(holepunchSecret)
  const token = payload.token({ host: '192.0.2.9' })
  const messages = [
    { error: 0, firewall: 0, round: 0, connected: false, punching: false, addresses: null, remoteAddress: null, token: null, remoteToken: null },
    { error: 0, firewall: 3, round: 2, connected: false, punching: true, addresses: [address(5)], remoteAddress: address(6), token, remoteToken: token }
  ].map((message) => hex(payload.encrypt(message)))

  return {
    server_public_key: hex(serverKeyPair.publicKey),
    client_public_key: hex(clientKeyPair.publicKey),
    client_static: hex(seed(n)),
    server_static: hex(seed(n + 1)),
    client_ephemeral: hex(seed(n + 2)),
    server_ephemeral: hex(seed(n + 3)),
    noise1: hex(noise1),
    noise2: hex(noise2),
    cipher_keys: cipherKeys,
    payload_1: plaintexts[1],
    payload_2: plaintexts[2],
    handshake_hash: hex(hash),
    holepunch_secret: hex(holepunchSecret),
    holepunch_payloads: messages
  }
}

function keys (n) {
  const { publicKey, secretKey } = DHT.keyPair(seed(n))
  const nodes = [address(1), { host: '255.0.128.7', port: 65535 }]
  const encoded = HyperDHTAddress.encode(publicKey, nodes)
  return {
    public_key: hex(publicKey),
    secret_key: hex(secretKey),
    z32: encodeId(publicKey),
    bare_address: hex(HyperDHTAddress.encode(publicKey)),
    address: hex(encoded),
    address_z32: z32.encode(encoded),
    nodes: nodes.map(({ host, port }) => [host, port])
  }
}
