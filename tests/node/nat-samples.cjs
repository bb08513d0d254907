'use strict'
// Reads lines of JSON { firewalled, samples: [[seenAs, seenBy], ...] } with addresses as [host, port], and answers each
// with what the reference's NAT sampler says after every sample: [[firewall, addresses, sampled], ...].

const path = require('path')
const { createInterface } = require('readline')

const Nat = require(path.join(path.dirname(require.resolve('hyperdht')), 'lib', 'nat.js'))

createInterface({ input: process.stdin }).on('line', (line) => {
  const { firewalled, samples } = JSON.parse(line)
  const nat = new Nat({ firewalled }, null, null)
  const answers = samples.map(([[host, port], [fromHost, fromPort]]) => {
    nat.add({ host, port }, { host: fromHost, port: fromPort })
    const addresses = nat.addresses && nat.addresses.map((address) => [address.host, address.port])
    return [nat.firewall, addresses, nat.sampled]
  })
  process.stdout.write(JSON.stringify(answers) + '\n')
})
