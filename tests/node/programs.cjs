'use strict'

// Programs as people write them with hyperdht and hyperswarm, each a story of its own that ends with what it saw, in one
// line of JSON: node programs.cjs NAME BOOTSTRAP-PORT. Their DHT is the one that they are given.

const DHT = require('hyperdht')
const Hyperswarm = require('hyperswarm')
const crypto = require('crypto')

const bootstrap = [{ host: '127.0.0.1', port: Number(process.argv[3]) }]
const nodes = []
const topic = crypto.createHash('sha256').update('peephole').digest()

async function peer (options) {
  const node = new DHT({ bootstrap, host: '127.0.0.1', quickFirewall: false, ...options })
  nodes.push(node)
  await node.fullyBootstrapped()
  return node
}

async function all (stream) {
  const found = []
  for await (const one of stream) found.push(one)
  return found
}

const keysOf = (replies) => [...new Set(replies.flatMap((reply) => reply.peers.map((one) => one.publicKey.toString('hex'))))]
const codeOf = (promise) => promise.then(() => null, (error) => error.code || error.message)
const once = (emitter, name) => new Promise((resolve) => emitter.once(name, (value) => resolve(value)))

function echo (node, options) {
  return node.createServer(options, (socket) => {
    socket.on('error', () => {})
    socket.pipe(socket)
  })
}

function talk (node, key, text = 'hello', options) {
  return new Promise((resolve) => {
    const socket = node.connect(key, options)
    socket.on('open', () => socket.write(text))
    socket.on('data', (data) => { socket.end(); resolve(data.toString()) })
    socket.on('error', (error) => resolve(error.code || error.message))
  })
}

const programs = {
  async fiftyAnnouncers () {
    const announcers = await Promise.all(Array.from({ length: 10 }, () => peer()))
    const keys = []
    for (const node of announcers) {
      for (let number = 0; number < 5; number++) {
        const pair = DHT.keyPair()
        keys.push(pair.publicKey.toString('hex'))
        await node.announce(topic, pair).finished()
      }
    }
    const looking = await peer()
    const found = keysOf(await all(looking.lookup(topic)))
    return { announced: keys.length, found: found.length, strangers: found.filter((key) => !keys.includes(key)).length }
  },

  async relayAddresses () {
    const [node, other] = [await peer(), await peer()]
    const pair = DHT.keyPair()
    const relays = [{ host: '127.0.0.1', port: 4001 }, { host: '127.0.0.2', port: 4002 }]
    await node.announce(topic, pair, relays).finished()
    const peers = (await all(other.lookup(topic))).flatMap((reply) => reply.peers)
    const seen = peers.find((one) => one.publicKey.equals(pair.publicKey))
    await node.unannounce(topic, pair)
    const left = keysOf(await all(other.lookup(topic)))
    return { relays: seen.relayAddresses, left: left.length }
  },

  async mutableValues () {
    const [node, other] = [await peer(), await peer()]
    const pair = DHT.keyPair()
    const text = (found) => found && [found.seq, found.value.toString()]
    const put = (value, seq) => codeOf(node.mutablePut(pair, Buffer.from(value), { seq }))
    const seen = { none: await other.mutableGet(pair.publicKey) }
    seen.first = [await put('first', 1), text(await other.mutableGet(pair.publicKey))]
    seen.second = [await put('second', 2), text(await other.mutableGet(pair.publicKey, { latest: true }))]
    seen.conflict = [await put('another', 2), text(await other.mutableGet(pair.publicKey))]
    seen.old = [await put('old', 1), text(await other.mutableGet(pair.publicKey, { seq: 1 }))]
    seen.newer = text(await other.mutableGet(pair.publicKey, { seq: 3 }))
    const wrong = { ...pair, secretKey: DHT.keyPair().secretKey }
    await codeOf(node.mutablePut(wrong, Buffer.from('forged'), { seq: 9 }))
    seen.forged = text(await other.mutableGet(pair.publicKey))
    return seen
  },

  async largeValues () {
    const [node, other] = [await peer(), await peer()]
    const seen = {}
    for (const size of [1, 500, 1000]) {
      const value = crypto.randomBytes(size)
      const { hash } = await node.immutablePut(value)
      const found = await other.immutableGet(hash)
      seen[size] = found !== null && found.value.equals(value)
    }
    const pair = DHT.keyPair()
    const value = crypto.randomBytes(900)
    await node.mutablePut(pair, value)
    const found = await other.mutableGet(pair.publicKey)
    seen.mutable = found !== null && found.value.equals(value)
    return seen
  },

  async sameKeyAgain () {
    const pair = DHT.keyPair()
    const client = await peer()
    const seen = []
    for (let number = 0; number < 3; number++) {
      const host = await peer()
      const server = echo(host)
      await server.listen(pair)
      seen.push(await talk(client, pair.publicKey, `time ${number}`))
      // The second one vanishes without a word.
      if (number === 1) await host.destroy({ force: true })
      else await server.close()
    }
    seen.push(await talk(client, pair.publicKey))
    return seen
  },

  async suspendedWhileOthersConnect () {
    const [sleeper, awake, client] = [await peer(), await peer(), await peer()]
    const [asleep, other] = [echo(sleeper), echo(awake)]
    await asleep.listen()
    await other.listen()
    const seen = { before: await talk(client, asleep.publicKey) }
    await sleeper.suspend()
    const meanwhile = await Promise.all(Array.from({ length: 5 }, () => talk(client, other.publicKey)))
    seen.meanwhile = meanwhile.filter((word) => word === 'hello').length
    seen.asleep = await talk(client, asleep.publicKey)
    await sleeper.resume()
    for (let tries = 0; tries < 20 && seen.after !== 'hello'; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 500))
      seen.after = await talk(client, asleep.publicKey)
    }
    return seen
  },

  async swarms () {
    const found = []
    const made = Array.from({ length: 3 }, () => new Hyperswarm({ bootstrap, dht: undefined }))
    try {
      for (const [number, swarm] of made.entries()) {
        swarm.on('connection', (socket) => {
          socket.on('error', () => {})
          socket.on('data', (data) => found.push(`${number} hears ${data}`))
          socket.write(String(number))
        })
      }
      await made[0].join(topic, { server: true, client: false }).flushed()
      for (const swarm of made.slice(1)) {
        swarm.join(topic, { server: false, client: true })
        await swarm.flush()
      }
      const deadline = Date.now() + 20000
      while (found.length < 4 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 50))
      return found.sort()
    } finally {
      for (const swarm of made) await swarm.destroy({ force: true })
    }
  },

  async manySwarms () {
    const made = Array.from({ length: 8 }, () => new Hyperswarm({ bootstrap }))
    const met = new Set()
    try {
      for (const swarm of made) {
        swarm.on('connection', (socket, { publicKey }) => {
          socket.on('error', () => {})
          met.add([swarm.keyPair.publicKey, publicKey].map((key) => key.toString('hex')).join())
        })
      }
      await Promise.all(made.map((swarm) => swarm.join(topic).flushed()))
      const deadline = Date.now() + 40000
      while (met.size < 8 * 7 && Date.now() < deadline) {
        await Promise.all(made.map((swarm) => swarm.join(topic).refresh()))
        await new Promise((resolve) => setTimeout(resolve, 500))
      }
      return met.size
    } finally {
      for (const swarm of made) await swarm.destroy({ force: true })
    }
  },

  // Waits for a line on standard input in the middle, while its DHT changes.
  async lifeGoesOn () {
    const [host, client] = [await peer(), await peer()]
    const server = echo(host)
    await server.listen()
    const { hash } = await host.immutablePut(Buffer.from('kept'))
    const before = await talk(client, server.publicKey)
    console.log(JSON.stringify('ready'))
    await once(process.stdin, 'data')
    await server.refresh()
    await server._announcer._runUpdate()
    const newcomer = await peer()
    const after = [await talk(client, server.publicKey), await talk(newcomer, server.publicKey)]
    const found = await newcomer.immutableGet(hash)
    return { before, after, kept: found && found.value.toString() }
  }
}

async function main () {
  const result = await programs[process.argv[2]]()
  console.log(JSON.stringify(result))
  for (const node of nodes) await node.destroy({ force: true })
  process.exit(0)
}

main()
