'use strict'
// One DHT node with a public address. The first one of a network bootstraps it.

const { HyperDHT } = globalThis.lab
const { say, onorder, config } = require('./talk.cjs')

const { host, port, bootstrap } = config
const dht = bootstrap
  ? new HyperDHT({ ephemeral: false, firewalled: false, bootstrap, port, host, anyPort: false })
  : HyperDHT.bootstrapper(port, host, { host })

onorder(async (order) => {
  if (order.order === 'stop') {
    await dht.destroy({ force: true })
    process.exit(0)
  }
})

dht.fullyBootstrapped().then(() => say('ready', { host, port: dht.address().port }))
