'use strict'

// Real hyperdht peers that tell what they make of every round, told what to do by lines of JSON on standard input, as
// in dht_driver.cjs. The wrappers only watch: nothing that a peer sends or decides is changed.

const errors = require('hyperdht/lib/errors')
const notes = []
const sent = { punches: 0, targets: new Set() }
const note = (what, more) => notes.push({ what, ...more })

// Causes that the application never sees. First of all, because others take these functions by name.
for (const name of Object.getOwnPropertyNames(errors)) {
  const make = errors[name]
  if (name !== name.toUpperCase() || typeof make !== 'function') continue
  errors[name] = (...given) => {
    note('error', { name })
    return make.apply(errors, given)
  }
}

const Socket = require('udx-native/lib/socket')
const Noise = require('hyperdht/lib/noise-wrap')
const Puncher = require('hyperdht/lib/holepuncher')
const Sealed = require('hyperdht/lib/secure-payload')
const Server = require('hyperdht/lib/server')
const DHT = require('hyperdht')
const readline = require('readline')

const around = (kind, name, watch) => {
  const own = kind.prototype[name]
  kind.prototype[name] = function (...given) {
    return watch.call(this, own.apply(this, given), ...given)
  }
}

const told = ({ error, firewall, round, punching, addresses, token, remoteToken }) => ({
  error, firewall, round, punching, addresses: addresses && addresses.length, token: !!token, remoteToken: !!remoteToken
})

around(Socket, 'send', (done, data, port, host) => {
  if (data.byteLength === 1 && data[0] === 0) {
    sent.punches++
    sent.targets.add(`${host}:${port}`)
  }
  return done
})
around(Noise, 'send', (noise, { error, firewall }) => {
  note('says in the handshake', { error, firewall })
  return noise
})
around(Sealed, 'decrypt', (payload) => {
  note(payload ? 'hears' : 'opens nothing', payload ? told(payload) : {})
  return payload
})
around(Sealed, 'encrypt', (sealed, payload) => {
  note('says', told(payload))
  return sealed
})
around(Puncher, 'updateRemote', function () {
  note('remote', {
    firewall: this.remoteFirewall,
    punching: this.remoteHolepunching,
    addresses: this.remoteAddresses.map(({ host, port, verified }) => ({ host, port, verified }))
  })
})
around(Puncher, '_punch', function (started) {
  started.then((started) => note('punch', { started }))
  return started
})
around(Server, '_onpeerholepunch', async (answer) => {
  const given = await answer
  if (!given) note('silent')
  return given
})
around(Server, '_onpeerhandshake', async (answer) => {
  const given = await answer
  note(given ? 'answers handshake' : 'no answer to handshake')
  return given
})

const raw = (text) => Buffer.from(text, 'hex')
const nodes = new Map()

const operations = {
  async node ({ name, bootstrap, host, options }) {
    const node = new DHT({ bootstrap, host, port: 0, quickFirewall: false, randomPunchInterval: 1, ...options })
    nodes.set(name, node)
    await node.fullyBootstrapped()
    return { firewalled: node.firewalled }
  },
  async listen ({ name, seed }) {
    const server = nodes.get(name).createServer((socket) => {
      note('connection')
      socket.on('error', () => {})
      socket.pipe(socket)
    })
    await server.listen(DHT.keyPair(raw(seed)))
    return { relays: server._announcer.relays.map((relay) => relay.relayAddress) }
  },
  connect ({ name, key, options }) {
    return new Promise((resolve) => {
      const socket = nodes.get(name).connect(raw(key), { localConnection: false, ...options })
      let error = null
      let opened = false
      socket.on('open', () => {
        note('connection')
        opened = true
        socket.end('peephole')
      })
      socket.on('data', () => {})
      socket.on('error', (failure) => { error = failure.code || failure.message })
      socket.on('close', () => resolve({ opened, error }))
    })
  },
  async notes () {
    note('punches', { punches: sent.punches, targets: sent.targets.size })
    sent.punches = 0
    sent.targets.clear()
    return notes.splice(0)
  },
  async destroy ({ name }) {
    const node = nodes.get(name)
    nodes.delete(name)
    await node.destroy()
    return true
  }
}

const lines = readline.createInterface({ input: process.stdin })

lines.on('line', async (line) => {
  const { id, op, ...given } = JSON.parse(line)
  try {
    say({ id, result: await operations[op](given) })
  } catch (error) {
    say({ id, error: String(error && (error.code || error.message)) })
  }
})

lines.on('close', async () => {
  for (const node of nodes.values()) await node.destroy()
})

function say (answer) {
  console.log(JSON.stringify(answer))
}
