'use strict'

// The reference's NAT analysis and puncher in a world of the test's making: standard input has one JSON object per line,
// a story; standard output one trace per line, in the same order. Time is virtual, sockets only keep what they are told to
// send, and pings are answered as the story says.

const readline = require('readline')

let now = 0
let count = 0
const timers = new Map()
global.setTimeout = (fn, ms, ...args) => {
  const timer = { at: now + ms, order: ++count, fn: () => fn(...args), unref () {}, ref () {} }
  timers.set(timer, timer)
  return timer
}
global.clearTimeout = (timer) => timers.delete(timer)
Date.now = () => now

const Holepuncher = require('hyperdht/lib/holepuncher')
const Nat = require('hyperdht/lib/nat')

const settle = () => new Promise((resolve) => setImmediate(resolve))

async function run (until, acts) {
  for (const act of acts) setTimeout(act.fn, act.at)
  while (true) {
    await settle()
    let next = null
    for (const timer of timers.values()) {
      if (next === null || timer.at < next.at || (timer.at === next.at && timer.order < next.order)) next = timer
    }
    if (next === null || next.at > until) break
    timers.delete(next)
    now = next.at
    next.fn()
  }
  timers.clear()
  now = until
}

const address = ([host, port]) => ({ host, port })

function world (story, trace) {
  const sockets = []
  let latest = null
  story.nodes.forEach((node, index) => {
    latest = { ...address(node), index, prev: latest }
  })
  const dht = {
    firewalled: story.firewalled,
    nodes: { length: story.nodes.length, latest },
    stats: { punches: { consistent: 0, random: 0 } },
    _randomPunches: 0,
    _lastRandomPunch: 0,
    _socketPool: {
      acquire () {
        const index = sockets.length
        const ref = {
          onholepunchmessage () {},
          released: false,
          release () {
            ref.released = true
            trace.push([now, 'release', index])
            ref.onholepunchmessage = () => {}
          },
          socket: {
            index,
            send (buffer, port, host, ttl) {
              // A closed socket sends nothing, and nobody is told.
              if (!ref.released) trace.push([now, 'send', index, host, port, ttl])
              return Promise.resolve()
            }
          }
        }
        sockets.push(ref)
        return ref
      }
    }
  }
  const session = {
    ping (node, { socket, retry }) {
      trace.push([now, 'ping', node.index, retry === false])
      const seen = story.seen[socket.index % story.seen.length][node.index]
      return new Promise((resolve, reject) => {
        if (seen === null) setTimeout(reject, 1000, new Error('timed out'))
        else setTimeout(resolve, story.rtts[node.index], { to: address(seen), from: { host: node.host, port: node.port } })
      })
    }
  }
  return { dht, session, sockets }
}

const plain = (addresses) => addresses && addresses.map(({ host, port }) => [host, port])

const parts = {
  async nat (story) {
    const trace = []
    const { dht, session } = world(story, trace)
    const nat = new Nat(dht, session, { index: 0 })
    nat.analyzing.then(() => trace.push([now, 'analyzed']))
    nat.autoSample()
    const state = () => trace.push([now, 'state', nat.firewall, plain(nat.addresses), nat.sampled])
    const deeds = {
      add: ({ to, from }) => nat.add(address(to), address(from)),
      freeze: () => nat.freeze(),
      unfreeze: () => nat.unfreeze(),
      destroy: () => nat.destroy(),
      look: state
    }
    await run(story.until, story.acts.map((act) => ({ at: act.at, fn: () => deeds[act.act](act) })))
    state()
    return trace
  },

  async puncher (story) {
    const trace = []
    const { dht, session, sockets } = world(story, trace)
    const puncher = new Holepuncher(dht, session, story.initiator, story.remote)
    puncher.onconnect = (socket, port, host) => trace.push([now, 'connect', socket.index, host, port])
    puncher.onabort = () => trace.push([now, 'abort'])
    const deeds = {
      update: (act) => puncher.updateRemote({
        punching: true,
        firewall: act.firewall,
        addresses: act.addresses && act.addresses.map(address),
        verified: act.verified
      }),
      analyze: ({ reopen }) => puncher.analyze(reopen).then((stable) => trace.push([now, 'analysis', stable])),
      freeze: () => puncher.nat.freeze(),
      punch: () => puncher.punch().then((started) => trace.push([now, 'punch', started])),
      arrive: ({ socket, from }) => {
        const ref = sockets[socket]
        if (ref) ref.onholepunchmessage(Buffer.alloc(1), address(from), ref)
      },
      ping: ({ to }) => puncher.ping(address(to)),
      open: ({ to }) => puncher.openSession(address(to)),
      destroy: () => puncher.destroy()
    }
    await run(story.until, story.acts.map((act) => ({ at: act.at, fn: () => deeds[act.act](act) })))
    trace.push([now, 'end', dht.stats.punches.consistent, dht.stats.punches.random, dht._randomPunches])
    return trace
  }
}

async function main () {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { part, ...story } = JSON.parse(line)
    now = 0
    console.log(JSON.stringify(await parts[part](story)))
  }
}

main()
