'use strict'
// Joins the network. A host with a public address finds that out while it bootstraps, but when everything
// answers within the same tick the check may come too late, and on a busy machine its probes may time out: such a host
// joins again until it knows.

const { HyperDHT } = globalThis.lab
const PATIENCE = 20000 // ms; whoever starts us waits longer
const PAUSE = 25 // ms more each time, so that what was in the way goes by

module.exports = async function join(config) {
  const began = Date.now()
  for (let tries = 1; ; tries++) {
    const dht = new HyperDHT({ bootstrap: config.bootstrap, randomPunchInterval: config.random_punch_interval })
    await dht.fullyBootstrapped()
    if (!config.open || !dht.firewalled) return dht
    if (Date.now() - began > PATIENCE) {
      throw new Error(`a host with a public address takes itself for firewalled, ${tries} times`)
    }
    await dht.destroy({ force: true })
    await new Promise((resolve) => setTimeout(resolve, PAUSE * tries))
  }
}
