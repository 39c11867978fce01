// The bundle for browsers and mini-programs. There is no `wx.connectSocket` yet.
const mqtt = require('mqtt/dist/mqtt.min.js')

console.log(typeof mqtt.connect, typeof mqtt.MqttClient, typeof mqtt.Store)
try {
  mqtt.connect('wxs://example.com/mqtt')
  console.log('connecting')
} catch (error) {
  console.log(error instanceof TypeError, typeof wx.connectSocket)
}
