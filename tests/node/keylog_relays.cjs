'use strict'

// A testnet on loopback that tells what its nodes are asked to relay: first its bootstrap port, then one line of JSON
// for each PEER_HANDSHAKE and PEER_HOLEPUNCH request. Ends with standard input.

const createTestnet = require('hyperdht/testnet')

const RELAYED = new Set([0, 1])

createTestnet(6).then((testnet) => {
  for (const node of testnet) {
    const onrequest = node.onrequest
    node.onrequest = function (req) {
      if (RELAYED.has(req.command)) say({ command: req.command, value: req.value.toString('hex') })
      return onrequest.call(this, req)
    }
  }
  say({ port: testnet.bootstrap[0].port })
  process.stdin.on('end', () => testnet.destroy()).resume()
})

function say (event) {
  console.log(JSON.stringify(event))
}
