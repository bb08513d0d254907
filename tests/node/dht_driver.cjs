'use strict'

// Real hyperdht nodes, told what to do by lines of JSON on standard input: {"id": 1, "op": "lookup", ...}. Each gets one
// line of JSON in answer, {"id": 1, "result": ...} or {"id": 1, "error": "..."}. Ends with standard input.

const DHT = require('hyperdht')
const createTestnet = require('hyperdht/testnet')
const readline = require('readline')

const nodes = new Map()
const servers = new Map()
const testnets = []

const hex = (buffer) => buffer && Buffer.from(buffer).toString('hex')
const raw = (text) => Buffer.from(text, 'hex')
const keys = (seed) => DHT.keyPair(raw(seed))
// Nodes are given by port, or as {host, port}.
const local = (nodes) => nodes.map((node) => (typeof node === 'number' ? { host: '127.0.0.1', port: node } : node))

const state = (node) => ({
  ephemeral: node.ephemeral,
  firewalled: node.firewalled,
  host: node.host,
  port: node.port,
  id: hex(node.id),
  known: node.nodes.length
})

const operations = {
  async node ({ name, bootstrap, options }) {
    const node = new DHT({ bootstrap: local(bootstrap), host: '127.0.0.1', port: 0, ...options })
    nodes.set(name, node)
    await node.fullyBootstrapped()
    return state(node)
  },
  async testnet ({ size, bootstrap }) {
    const testnet = await createTestnet(size, { bootstrap: local(bootstrap || []) })
    testnets.push(testnet)
    return { bootstrap: testnet.bootstrap[0].port, ports: testnet.nodes.map((node) => node.address().port) }
  },
  async state ({ name }) {
    return state(nodes.get(name))
  },
  async ping ({ name, port }) {
    const reply = await nodes.get(name).ping({ host: '127.0.0.1', port })
    return { id: hex(reply.from.id), to: reply.to.port, rtt: reply.rtt }
  },
  async delayedPing ({ name, port, delay }) {
    const sent = Date.now()
    await nodes.get(name).delayedPing({ host: '127.0.0.1', port }, delay)
    return Date.now() - sent
  },
  async findNode ({ name, target }) {
    const query = nodes.get(name).findNode(raw(target))
    await query.finished()
    return query.closestNodes.map((node) => node.port)
  },
  async announce ({ name, target, seed, bump }) {
    const query = nodes.get(name).announce(raw(target), keys(seed), [], { bump })
    await query.finished()
    return query.closestNodes.length
  },
  async unannounce ({ name, target, seed }) {
    await nodes.get(name).unannounce(raw(target), keys(seed))
    return true
  },
  async lookup ({ name, target }) {
    const found = []
    for await (const reply of nodes.get(name).lookup(raw(target))) {
      found.push({ peers: reply.peers.map((peer) => hex(peer.publicKey)), bump: reply.bump })
    }
    return found
  },
  async findPeer ({ name, key }) {
    const found = []
    for await (const reply of nodes.get(name).findPeer(raw(key))) {
      found.push({ key: hex(reply.peer.publicKey), relays: reply.peer.relayAddresses, port: reply.from.port })
    }
    return found
  },
  async immutablePut ({ name, value }) {
    return hex((await nodes.get(name).immutablePut(raw(value))).hash)
  },
  async immutableGet ({ name, hash }) {
    const found = await nodes.get(name).immutableGet(raw(hash))
    return found && hex(found.value)
  },
  async mutablePut ({ name, seed, value, seq }) {
    return (await nodes.get(name).mutablePut(keys(seed), raw(value), { seq })).closestNodes.length
  },
  async mutableGet ({ name, key }) {
    const found = await nodes.get(name).mutableGet(raw(key))
    return found && { seq: found.seq, value: hex(found.value) }
  },
  async plugin ({ name, port, plugin, version, value }) {
    const c = require('compact-encoding')
    const m = require('hyperdht/lib/messages')
    const asked = c.encode(m.pluginRequest, { plugin, version, command: 5, value: raw(value) })
    const reply = await nodes.get(name).request({ command: 10, value: asked }, { host: '127.0.0.1', port })
    return { error: reply.error, value: hex(reply.value) }
  },
  async listen ({ name, seed }) {
    const server = nodes.get(name).createServer((socket) => {
      socket.on('error', () => {})
      socket.pipe(socket)
    })
    await server.listen(keys(seed))
    servers.set(name, server)
    return { key: hex(server.publicKey), relays: server._announcer.relays.map((relay) => relay.relayAddress.port) }
  },
  async announceAgain ({ name }) {
    await servers.get(name)._announcer._runUpdate()
    return true
  },
  async unlisten ({ name }) {
    await servers.get(name).close()
    return true
  },
  connect ({ name, key, size }) {
    return new Promise((resolve, reject) => {
      const sent = Buffer.alloc(size, 'peephole')
      const received = []
      const socket = nodes.get(name).connect(raw(key))
      socket.on('open', () => socket.end(sent))
      socket.on('data', (data) => received.push(data))
      socket.on('error', reject)
      socket.on('end', () => resolve({ intact: Buffer.concat(received).equals(sent) }))
    })
  },
  async suspend ({ name }) {
    await nodes.get(name).suspend()
    return true
  },
  async resume ({ name }) {
    await nodes.get(name).resume()
    return true
  },
  async destroy ({ name }) {
    await nodes.get(name).destroy()
    nodes.delete(name)
    return true
  }
}

const lines = readline.createInterface({ input: process.stdin })

lines.on('line', async (line) => {
  const { id, op, ...given } = JSON.parse(line)
  try {
    say({ id, result: await operations[op](given) })
  } catch (error) {
    say({ id, error: String(error && error.message) })
  }
})

lines.on('close', async () => {
  for (const node of nodes.values()) await node.destroy()
  for (const testnet of testnets) await testnet.destroy()
})

function say (answer) {
  console.log(JSON.stringify(answer))
}
