'use strict'
// Joins the network. A host with a public address finds that out while it bootstraps, but when everything
// answers within the same tick the check may come too late: such a host joins again until it knows.

const { HyperDHT } = globalThis.lab
const MOST = 20

module.exports = async function join(config) {
  for (let tries = 1; ; tries++) {
    const dht = new HyperDHT({ bootstrap: config.bootstrap, randomPunchInterval: config.random_punch_interval })
    await dht.fullyBootstrapped()
    if (!config.open || !dht.firewalled) return dht
    if (tries === MOST) throw new Error('a host with a public address takes itself for firewalled')
    await dht.destroy({ force: true })
  }
}
