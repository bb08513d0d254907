'use strict'
// Reads lines of JSON { codec, hex, from } and answers each with what the reference decodes, or null.

const { createInterface } = require('readline')
const { decode } = require('./reference-codecs.cjs')

createInterface({ input: process.stdin }).on('line', (line) => {
  const { codec, hex, from } = JSON.parse(line)
  process.stdout.write(JSON.stringify(decode(codec, Buffer.from(hex, 'hex'), from)) + '\n')
})
