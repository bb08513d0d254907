'use strict'

// An ordinary CommonJS application: serves a greeting until standard input ends.
//
//   node keylog_server.cjs BOOTSTRAP_PORT

const DHT = require('hyperdht')

const port = Number(process.argv[2])
const node = new DHT({ bootstrap: [{ host: '127.0.0.1', port }], host: '127.0.0.1', quickFirewall: false })
const server = node.createServer((socket) => {
  socket.on('error', () => {})
  socket.end('hello')
})

server.listen().then(() => {
  console.log(JSON.stringify({ publicKey: server.publicKey.toString('hex') }))
  process.stdin.on('end', () => node.destroy()).resume()
})
