// Confirms an order with the user's fingerprint (SOTER). The argument is the number of the order.
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
      fail: ({ errCode, errMsg }) => console.log(errCode, errMsg),
    })
  },
  fail: ({ errMsg }) => console.log(errMsg),
})
