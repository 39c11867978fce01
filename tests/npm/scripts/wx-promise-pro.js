// Sign-in, consent and the profile through `wx.pro`, and a refusal through `catch` and `finally`.
const { promisify, promisifyAll } = require('wx-promise-pro')

promisifyAll()

async function main() {
  const { code, errMsg } = await wx.pro.login()
  console.log(errMsg, server.exchange(code))
  console.log((await wx.pro.authorize({ scope: 'scope.record' })).errMsg)
  console.log((await wx.pro.getSetting()).authSetting)
  console.log((await promisify(wx.getUserInfo)({ lang: 'en' })).userInfo.nickName)
  await wx.pro.authorize({ scope: 'scope.moon' })
    .catch(({ errMsg, errCode }) => console.log(errMsg, errCode))
    .finally(() => console.log('finally'))
}

main()
