'use strict'
// What each node was asked to carry, what a client asked for, and every sending of it.

const { hyperdhtNeed, internal, log, number, port, rpcNeed, wrap } = require('./log.cjs')

const Router = internal('router')
const messages = internal('messages')
const c = hyperdhtNeed('compact-encoding')
function carried(command, encoding) {
  return function (original, req) {
    let value = null
    try {
      value = req.value && c.decode(encoding, req.value)
    } catch (error) {
      log('carried-undecodable', { command, message: error.message })
    }
    const state = req.target && this.get(req.target)
    log('carried', {
      command,
      tid: req.tid,
      from: req.from,
      socket_port: port(req.socket),
      target: req.target,
      mode: value && value.mode,
      id: value && value.id,
      noise: value && value.noise,
      payload: value && value.payload,
      peer_address: value && value.peerAddress,
      relay_address: value && value.relayAddress,
      is_server: !!(state && state.onpeerhandshake),
      has_route: !!(state && state.relay)
    })
    return original(req)
  }
}
wrap(Router.prototype, 'onpeerhandshake', carried('PEER_HANDSHAKE', messages.handshake))
wrap(Router.prototype, 'onpeerholepunch', carried('PEER_HOLEPUNCH', messages.holepunch))

function asked(command) {
  return async function (original, target, request, to) {
    const key = { command, socket: number(request.socket), socket_port: port(request.socket), to }
    const message = request.noise || request.payload
    log('asked', { ...key, target, id: request.id, peer_address: request.peerAddress, message })
    try {
      const reply = await original(target, request, to)
      log('answered', { ...key, message, reply })
      return reply
    } catch (error) {
      log('unanswered', { ...key, message, code: error.code, reason: error.message })
      throw error
    }
  }
}
wrap(Router.prototype, 'peerHandshake', asked('PEER_HANDSHAKE'))
wrap(Router.prototype, 'peerHolepunch', asked('PEER_HOLEPUNCH'))

const IO = rpcNeed('./lib/io.js')
wrap(IO.prototype, 'createRequest', function (original, to, token, internalCommand, command, ...rest) {
  const req = original(to, token, internalCommand, command, ...rest)
  if (req === null || internalCommand || command > 1) return req
  const send = req._sendNow
  req._sendNow = function () {
    send.call(req)
    log('request-sent', { command, tid: req.tid, to, times: req.sent, socket_port: port(req.socket) })
  }
  return req
})
