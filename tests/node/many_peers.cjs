'use strict'

// Many real peers in one process, for bench/peers.py: listens with `servers` peers, or connects with `clients` peers,
// when told so by a line on standard input. One line of JSON in answer to each.

const DHT = require('hyperdht')
const readline = require('readline')

const given = JSON.parse(process.argv[2])
const peers = []
const sockets = []

const seconds = ({ user, system }) => (user + system) / 1e6
const say = (answer) => console.log(JSON.stringify(answer))
const usage = () => ({ cpu: seconds(process.cpuUsage()), peak: process.resourceUsage().maxRSS / 1024 })

async function open () {
  for (let number = 0; number < given.peers; number++) {
    const bootstrap = [{ host: '127.0.0.1', port: given.bootstrap }]
    const peer = new DHT({ bootstrap, host: '127.0.0.1', port: 0, quickFirewall: false })
    peers.push(peer)
    await peer.fullyBootstrapped()
  }
}

async function listen () {
  const keys = []
  for (const peer of peers) {
    const server = peer.createServer({ shareLocalAddress: given.lan }, (socket) => {
      sockets.push(socket)
      socket.on('error', () => {})
      socket.pipe(socket)
    })
    await server.listen()
    keys.push(server.publicKey.toString('hex'))
  }
  return keys
}

function connect (peer, key) {
  return new Promise((resolve) => {
    const socket = peer.connect(Buffer.from(key, 'hex'), { localConnection: given.lan })
    const began = performance.now()
    sockets.push(socket)
    socket.on('open', () => socket.write('hello'))
    socket.on('data', () => resolve({ seconds: (performance.now() - began) / 1000, error: null }))
    socket.on('error', (error) => resolve({ seconds: 0, error: error.code || error.message }))
  })
}

async function run () {
  await open()
  say({ ...usage(), keys: given.keys ? [] : await listen() })
  for await (const _ of readline.createInterface({ input: process.stdin })) { // eslint-disable-line no-unused-vars
    const connects = []
    if (given.keys) {
      for (let number = 0; number < given.connects; number++) {
        connects.push(connect(peers[number % peers.length], given.keys[number % given.keys.length]))
      }
    }
    const ended = await Promise.all(connects)
    say({ ...usage(), ended })
  }
  process.exit(0)
}

run()
