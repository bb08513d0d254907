'use strict'
// What all wrappers share: the reference packages, the log that a node appends to, and a way to wrap a method.

const fs = require('node:fs')
const path = require('node:path')
const { AsyncLocalStorage } = require('node:async_hooks')
const { createRequire } = require('node:module')

const need = createRequire(path.join(process.env.LAB_NODE_PACKAGES, 'package.json'))
const hyperdhtNeed = createRequire(need.resolve('hyperdht'))
const rpcNeed = createRequire(hyperdhtNeed.resolve('dht-rpc'))
const udxNeed = createRequire(rpcNeed.resolve('udx-native'))
const internal = (name) => hyperdhtNeed(`./lib/${name}.js`)

const file = fs.openSync(process.env.LAB_TRUTH, 'a', 0o600)
const attempts = new AsyncLocalStorage()
const numbers = new WeakMap()
let counter = 0

function number(object) {
  if (!object) return null
  if (!numbers.has(object)) numbers.set(object, ++counter)
  return numbers.get(object)
}

function now() {
  return (performance.timeOrigin + performance.now()) / 1000
}

function plain(value) {
  if (value === undefined) return null
  if (value === null || typeof value !== 'object') return value
  if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')
  if (Array.isArray(value)) return value.map(plain)
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]))
}

function log(event, fields) {
  const line = { t: now(), event, attempt: attempts.getStore() || null, ...plain(fields) }
  fs.writeSync(file, JSON.stringify(line) + '\n')
}

function wrap(prototype, name, around) {
  const original = prototype[name]
  if (typeof original !== 'function') throw new Error(`the reference implementation has no ${name}`)
  prototype[name] = function (...args) {
    return around.call(this, (...given) => original.apply(this, given), ...args)
  }
}

function port(socket) {
  const address = socket && socket.bound ? socket.address() : null
  return address ? address.port : null
}

module.exports = { need, hyperdhtNeed, rpcNeed, udxNeed, internal, attempts, numbers, number, log, wrap, port }
