// Is a transit card: a reader at the gate selects it, takes a ride off it, and goes.
//
//     wx run transit-card.js

const AID = 'F0010203040506'
let rides = 2

const OK = [0x90, 0x00]
const NOT_ENOUGH = [0x69, 0x85]
const UNKNOWN = [0x6d, 0x00]

/** @param {Uint8Array} command */
function answer(command) {
  switch (command[1]) {
    case 0xa4: // SELECT
      return OK
    case 0x54: // one ride
      return rides > 0 ? [--rides, ...OK] : NOT_ENOUGH
    default:
      return UNKNOWN
  }
}

function listen() {
  wx.onHCEMessage(({ messageType, data, reason }) => {
    if (messageType === 2 || !data) {
      console.log(reason === 0 ? 'the reader has gone' : 'another card was selected')
      wx.stopHCE()
      wx.offHCEMessage() // a script goes on as long as it listens
      return
    }
    const response = new Uint8Array(answer(new Uint8Array(data)))
    wx.sendHCEMessage({ data: response.buffer, fail: ({ errMsg }) => console.error(errMsg) })
  })
}

wx.startHCE({
  aid_list: [AID],
  success: () => {
    listen()
    console.log('the card is ready')
    if (typeof world !== 'undefined') {
      gate(world.reader)
    }
  },
  fail: ({ errCode, errMsg }) => console.log(errCode, errMsg),
})

// On the mock the script is the gate as well.
/** @param {World['reader']} reader */
async function gate(reader) {
  console.log('selected:', await reader.select(AID))
  for (let ride = 1; ride <= 3; ride++) {
    console.log(`ride ${ride}:`, await reader.transceive('8054000001'))
  }
  reader.leave(0)
}
