'use strict'
// The line between a node and the lab: one JSON object per line, orders on stdin, events on stdout.

const readline = require('node:readline')

const waiting = new Map()
let handler = null

function say(event, fields = {}) {
  process.stdout.write(JSON.stringify({ event, ...fields }) + '\n')
}

function onorder(fn) {
  handler = fn
}

// Stops here until the lab says go: the lab uses it to break the network at an exact step of the protocol.
function gate(name, fields) {
  return new Promise((resolve) => {
    waiting.set(name, resolve)
    say('gate', { gate: name, ...fields })
  })
}

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const order = JSON.parse(line)
  if (order.order === 'go') {
    const resolve = waiting.get(order.gate)
    waiting.delete(order.gate)
    resolve()
  } else {
    handler(order)
  }
})

module.exports = { say, onorder, gate, config: JSON.parse(process.argv[2]) }
