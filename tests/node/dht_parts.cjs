'use strict'

// What the parts of the reference make of a story: standard input has one JSON object per line, standard output one answer
// per line, in the same order.

const readline = require('readline')
const NatSampler = require('nat-sampler')
const NetworkHealth = require('dht-rpc/lib/health')
const Persistent = require('hyperdht/lib/persistent')
const HyperDHT = require('hyperdht')

const parts = {
  bootstrap () {
    return HyperDHT.BOOTSTRAP
  },
  nat ({ samples }) {
    const sampler = new NatSampler()
    return samples.map(([host, port]) => {
      sampler.add(host, port)
      return [sampler.host, sampler.port]
    })
  },
  health ({ totals }) {
    const dht = {
      stats: { requests: { responses: 0, timeouts: 0 } },
      _online () {},
      _degraded () {},
      _offline () {}
    }
    const health = new NetworkHealth(dht)
    return totals.map(([responses, timeouts]) => {
      dht.stats.requests = { responses, timeouts }
      health.update()
      return !health.online ? 'offline' : health.degraded ? 'degraded' : 'online'
    })
  },
  signature ({ seed, command, target, token, id, peer, refresh, seq, value }) {
    const raw = (text) => Buffer.from(text, 'hex')
    const pair = HyperDHT.keyPair(raw(seed))
    if (command === 'MUTABLE_PUT') return Persistent.signMutable(seq, raw(value), pair).toString('hex')
    const sign = command === 'ANNOUNCE' ? Persistent.signAnnounce : Persistent.signUnannounce
    const announce = {
      peer: { publicKey: pair.publicKey, relayAddresses: peer.map(([host, port]) => ({ host, port })) },
      refresh: refresh && raw(refresh)
    }
    return sign(raw(target), raw(token), raw(id), announce, pair).toString('hex')
  }
}

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const { part, ...given } = JSON.parse(line)
  console.log(JSON.stringify(parts[part](given)))
})
