'use strict'
// NAT samples, the puncher, every one-byte datagram with its TTL, and every stream that comes up.

const { internal, log, number, numbers, port, udxNeed, wrap } = require('./log.cjs')
const { newest } = require('./log-secrets.cjs')

const Nat = internal('nat')
wrap(Nat.prototype, 'add', function (original, address, from) {
  original(address, from)
  log('nat-sample', {
    socket: number(this.socket),
    socket_port: port(this.socket),
    address,
    from,
    sampled: this.sampled,
    frozen: !!this.frozen,
    firewall: this.firewall,
    addresses: this.addresses
  })
})

const Holepuncher = internal('holepuncher')
const puncherOf = new WeakMap() // udx socket -> puncher
wrap(Holepuncher.prototype, '_addRef', function (original, ref) {
  const first = !numbers.has(this)
  if (first) {
    log('puncher-made', {
      puncher: number(this),
      initiator: this.isInitiator,
      secret: this.isInitiator ? null : newest()._sharedSecret
    })
  }
  puncherOf.set(ref.socket, this)
  log('puncher-socket', { puncher: number(this), socket: number(ref.socket), socket_port: port(ref.socket) })
  return original(ref)
})
wrap(Holepuncher.prototype, 'updateRemote', function (original, remote) {
  original(remote)
  log('puncher-remote', { puncher: number(this), ...remote, remote_addresses: this.remoteAddresses })
})
wrap(Holepuncher.prototype, 'punch', async function (original) {
  log('punch', {
    puncher: number(this),
    local_firewall: this.nat.firewall,
    remote_firewall: this.remoteFirewall,
    remote_addresses: this.remoteAddresses
  })
  const started = await original()
  log('punch-started', { puncher: number(this), started })
  return started
})
wrap(Holepuncher.prototype, '_reset', function (original) {
  log('puncher-reopened', { puncher: number(this) })
  return original()
})
wrap(Holepuncher.prototype, '_onholepunchmessage', function (original, message, from, ref) {
  log('punch-received', {
    puncher: number(this),
    socket: number(ref.socket),
    socket_port: port(ref.socket),
    from: { host: from.host, port: from.port },
    first: this.isInitiator && !this.connected
  })
  return original(message, from, ref)
})
wrap(Holepuncher.prototype, 'destroy', function (original) {
  if (!this.destroyed) {
    log('puncher-destroyed', {
      puncher: number(this),
      connected: this.connected,
      local_firewall: this.nat.firewall,
      local_addresses: this.nat.addresses,
      remote_firewall: this.remoteFirewall
    })
  }
  return original()
})

const UDXSocket = udxNeed('./socket.js')
const UDXStream = udxNeed('./stream.js')
wrap(UDXSocket.prototype, 'send', function (original, buffer, toPort, host, ttl) {
  if (buffer.byteLength === 1) {
    const puncher = puncherOf.get(this)
    log('probe-sent', {
      puncher: puncher ? number(puncher) : null,
      socket: number(this),
      socket_port: port(this),
      to: { host, port: toPort },
      ttl
    })
  }
  return original(buffer, toPort, host, ttl)
})
wrap(UDXStream.prototype, 'connect', function (original, socket, remoteId, toPort, host, opts) {
  log('stream-connected', { stream: this.id, remote: remoteId, to: { host, port: toPort }, socket: number(socket), socket_port: port(socket) })
  return original(socket, remoteId, toPort, host, opts)
})
const up = new WeakSet()
for (const [name, sign] of [['_ondata', 'data'], ['_onmessage', 'message'], ['_onend', 'end']]) {
  wrap(UDXStream.prototype, name, function (original, ...args) {
    if (!up.has(this)) {
      up.add(this)
      log('stream-up', { stream: this.id, by: sign, remote: { host: this.remoteHost, port: this.remotePort } })
    }
    return original(...args)
  })
}
wrap(UDXStream.prototype, 'changeRemote', function (original, socket, remoteId, toPort, host) {
  const place = { stream: this.id, remote: remoteId, to: { host, port: toPort }, socket: number(socket), socket_port: port(socket) }
  log('stream-remote-changing', place)
  this.once('remote-changed', () => log('stream-remote-changed', place))
  return original(socket, remoteId, toPort, host)
})
