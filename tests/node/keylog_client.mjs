// An ordinary ES module application with two copies of hyperdht: its own, and the one of its dependency `friend`, with
// which it connects.
//
//   node keylog_client.mjs BOOTSTRAP_PORT SERVER_PUBLIC_KEY

import { createRequire } from 'module'
import DHT from 'hyperdht'
import FriendsDHT from 'friend'

const [port, publicKey] = process.argv.slice(2)
if (DHT === FriendsDHT) throw new Error(`one copy only: ${createRequire(import.meta.url).resolve('hyperdht')}`)

const node = new FriendsDHT({ bootstrap: [{ host: '127.0.0.1', port: Number(port) }], host: '127.0.0.1', quickFirewall: false })
const socket = node.connect(Buffer.from(publicKey, 'hex'), { localConnection: false, fastOpen: false })
socket.on('data', (data) => {
  console.log(JSON.stringify({ heard: data.toString(), publicKey: node.defaultKeyPair.publicKey.toString('hex') }))
})
socket.on('end', () => socket.end())
socket.on('close', () => node.destroy())
