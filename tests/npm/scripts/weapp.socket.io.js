// socket.io's own client on top of a mini-program's sockets. There is no `wx.connectSocket` yet.
const io = require('weapp.socket.io')

console.log(io.protocol, typeof io.Manager)
const socket = io('https://example.com', { reconnection: false, transports: ['websocket'] })
socket.on('connect', () => console.log('connected'))
socket.on('connect_error', error => console.log(error instanceof Error, error.message, typeof wx.connectSocket))
