// Signs the user in and fetches their profile, signed and sealed for the developer's server.
//
//     wx run sign-in.js
//     wx run --backend desktop --grant scope.userInfo sign-in.js

// Only the mock's world has a developer's server within reach. A real mini-program sends the code to its own.
const server = typeof world === 'undefined' ? null : world.server

App({
  onLaunch() {
    wx.login({
      success: ({ code }) => {
        console.log('a code to sign in with')
        if (server) {
          const { openid, session_key: key } = server.exchange(code)
          console.log(openid?.startsWith('o') && key?.length === 24 ? 'the server knows the user' : 'that is no session')
          console.log('a second time:', server.exchange(code).errcode)
        }
        profile()
      },
      fail: ({ errMsg }) => console.error(errMsg),
    })
  },
})

function profile() {
  wx.getUserInfo({
    withCredentials: true,
    success: ({ userInfo, rawData, signature, encryptedData, iv }) => {
      console.log('signed:', JSON.parse(rawData).nickName === userInfo.nickName && signature?.length === 40)
      if (server && encryptedData && iv) {
        const { nickName, watermark } = server.open(encryptedData, iv)
        console.log(`the server opened the data of ${nickName} for ${watermark.appid}`)
      }
    },
    fail: ({ errMsg }) => console.log(errMsg),
  })
}
