'use strict'

// Real hyperdht peers that listen and connect, told what to do by lines of JSON on standard input, as in dht_driver.cjs.

const DHT = require('hyperdht')
const createTestnet = require('hyperdht/testnet')
const { Server: BlindRelay } = require('blind-relay')
const readline = require('readline')

const nodes = new Map()
const servers = new Map()
const testnets = []

const raw = (text) => Buffer.from(text, 'hex')
const keys = (seed) => DHT.keyPair(raw(seed))
const local = (ports) => ports.map((port) => typeof port === 'number' ? { host: '127.0.0.1', port } : port)
const wait = (emitter, name) => new Promise((resolve) => emitter.once(name, resolve))

// What a server does with each connection.
const behaviours = {
  echo: (socket) => socket.pipe(socket),
  destroy: (socket) => socket.once('data', () => socket.destroy()),
  end: (socket) => socket.end('bye'),
  listen: (socket) => socket.resume()
}

function watch (socket) {
  const seen = { received: 0, ended: false, error: null, closed: null }
  socket.on('data', (data) => { seen.received += data.length })
  socket.on('end', () => { seen.ended = true })
  socket.on('error', (error) => { seen.error = error.code || error.message })
  seen.closed = wait(socket, 'close')
  return seen
}

const operations = {
  async node ({ name, bootstrap, options }) {
    const node = new DHT({ bootstrap: local(bootstrap), host: '127.0.0.1', port: 0, ...options })
    nodes.set(name, node)
    await node.fullyBootstrapped()
    return { firewalled: node.firewalled }
  },
  async testnet ({ size }) {
    const testnet = await createTestnet(size)
    testnets.push(testnet)
    return { bootstrap: testnet.bootstrap[0].port }
  },
  async listen ({ name, seed, behaviour = 'echo', refuse = false, punch = true, relayThrough, options }) {
    const sockets = []
    const server = nodes.get(name).createServer({
      firewall: () => refuse,
      holepunch: () => punch,
      ...options,
      relayThrough: relayThrough && raw(relayThrough)
    }, (socket) => {
      sockets.push(watch(socket))
      behaviours[behaviour](socket)
    })
    await server.listen(keys(seed))
    servers.set(name, { server, sockets })
    return { relays: server._announcer.relays.length }
  },
  async served ({ name }) {
    const { sockets } = servers.get(name)
    await Promise.all(sockets.map((seen) => seen.closed))
    return sockets.map(({ received, ended, error }) => ({ received, ended, error }))
  },
  async relay ({ name, seed }) {
    const node = nodes.get(name)
    const relay = new BlindRelay({ createStream: (opts) => node.createRawStream({ ...opts, framed: true }) })
    const server = node.createServer({ shareLocalAddress: false }, (socket) => {
      const session = relay.accept(socket, { id: socket.remotePublicKey })
      session.on('error', () => {})
      socket.on('error', () => {})
    })
    await server.listen(keys(seed))
    servers.set(name, { server, sockets: [] })
    return true
  },
  async unlisten ({ name }) {
    await servers.get(name).server.close()
    return true
  },
  async connect ({ name, key, size, destroy = false, options }) {
    const sent = Buffer.alloc(size, 'peephole')
    const received = []
    const { relayThrough, ...rest } = options || {}
    const socket = nodes.get(name).connect(raw(key), { ...rest, relayThrough: relayThrough && raw(relayThrough) })
    const seen = watch(socket)
    socket.on('data', (data) => received.push(data))
    socket.on('open', () => {
      if (destroy) socket.destroy()
      else socket.end(sent)
    })
    await seen.closed
    return { intact: Buffer.concat(received).equals(sent), ended: seen.ended, error: seen.error }
  },
  async suspend ({ name }) {
    await nodes.get(name).suspend()
    return true
  },
  async resume ({ name }) {
    await nodes.get(name).resume()
    return true
  },
  async punches ({ name }) {
    return nodes.get(name).stats.punches
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
  for (const testnet of testnets) await testnet.destroy()
})

function say (answer) {
  console.log(JSON.stringify(answer))
}
