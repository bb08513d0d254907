'use strict'
// Noise messages and payloads, the handshake hash, the holepunch secret, and every holepunch payload.

const { hyperdhtNeed, internal, log, number, wrap } = require('./log.cjs')

const NoiseWrap = internal('noise-wrap')
wrap(NoiseWrap.prototype, 'send', function (original, payload) {
  const message = original(payload)
  const ephemeral = this.handshake.e ? Buffer.from(this.handshake.e.secretKey) : null
  log('noise-sent', {
    noise: number(this),
    initiator: this.isInitiator,
    public_key: this.keyPair.publicKey,
    remote_public_key: this.remotePublicKey,
    ephemeral_secret_key: ephemeral,
    message,
    payload
  })
  return message
})
wrap(NoiseWrap.prototype, 'recv', function (original, message) {
  const copy = Buffer.from(message)
  const payload = original(message)
  log('noise-received', {
    noise: number(this),
    initiator: this.isInitiator,
    public_key: this.keyPair.publicKey,
    remote_public_key: this.remotePublicKey,
    message: copy,
    payload
  })
  return payload
})
wrap(NoiseWrap.prototype, 'final', function (original) {
  const final = original()
  log('noise-final', {
    noise: number(this),
    initiator: this.isInitiator,
    public_key: final.publicKey,
    remote_public_key: final.remotePublicKey,
    handshake_hash: final.hash,
    holepunch_secret: final.holepunchSecret
  })
  return final
})

let newestPayloads = null
const opened = new WeakMap() // ciphertext -> what it holds
const securePayloadPath = hyperdhtNeed.resolve('./lib/secure-payload.js')
const SecurePayload = internal('secure-payload')
require.cache[securePayloadPath].exports = class extends SecurePayload {
  constructor(secret) {
    super(secret)
    newestPayloads = this
    log('payload-keys', { secret, local_secret: this._localSecret })
  }
}
wrap(SecurePayload.prototype, 'encrypt', function (original, payload) {
  const wire = original(payload)
  opened.set(wire, { secret: this._sharedSecret, payload })
  log('payload-encrypted', { secret: this._sharedSecret, payload, wire })
  return wire
})
wrap(SecurePayload.prototype, 'decrypt', function (original, wire) {
  const copy = Buffer.from(wire) // decryption happens in place
  const payload = original(wire)
  log('payload-decrypted', { secret: this._sharedSecret, payload, wire: copy })
  return payload
})
wrap(SecurePayload.prototype, 'token', function (original, address) {
  const token = original(address)
  log('token-made', { secret: this._sharedSecret, address, token })
  return token
})

module.exports = { opened, newest: () => newestPayloads }
