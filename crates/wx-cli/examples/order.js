// Confirms an order with the user's fingerprint (SOTER). The argument is the number of the order. What is not confirmed is thrown:
// `wx run order.js 42 && ship 42` ships nothing then.
//
//     wx run order.js 42

const [order = '1'] = args

// On the mock the script is the finger as well: a wrong one first.
if (typeof world !== 'undefined') {
  world.finger.next('no-match')
  world.finger.next('match')
}

wx.checkIsSupportSoterAuthentication({
  success: ({ supportMode }) => {
    console.log('supported:', supportMode.join(', '))
    wx.startSoterAuthentication({
      requestAuthModes: supportMode,
      challenge: `order ${order}`,
      authContent: `Confirm order ${order}`,
      success: ({ resultJSON, resultJSONSignature }) => {
        const { raw, counter } = JSON.parse(resultJSON)
        console.log(`confirmed: ${raw}, counter ${counter}, signature of ${resultJSONSignature.length} characters`)
      },
      fail: notConfirmed,
    })
  },
  fail: notConfirmed,
})

/** @param {WxAnswer} answer */
function notConfirmed({ errCode, errMsg }) {
  throw new Error(`order ${order} is not confirmed: ${errMsg}${errCode ? ` (${errCode})` : ''}`)
}
