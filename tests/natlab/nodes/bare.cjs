'use strict'
// Preloaded where time is measured: the reference as its users have it, with nothing wrapped and nothing logged.

const path = require('node:path')
const { createRequire } = require('node:module')

const need = createRequire(path.join(process.env.LAB_NODE_PACKAGES, 'package.json'))
globalThis.lab = { HyperDHT: need('hyperdht') }
