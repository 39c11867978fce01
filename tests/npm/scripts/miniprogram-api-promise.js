// A package written as an ES module: SOTER as promises, and callbacks left as they are.
const { promisify, promisifyAll } = require('miniprogram-api-promise')

const wxp = {}
promisifyAll(wx, wxp)

async function main() {
  const { supportMode } = await wxp.checkIsSupportSoterAuthentication()
  console.log(supportMode)
  console.log((await wxp.checkIsSoterEnrolledInDevice({ checkAuthMode: 'fingerPrint' })).isEnrolled)
  const { authMode, resultJSON } = await wxp.startSoterAuthentication({ requestAuthModes: ['fingerPrint'], challenge: '42' })
  console.log(authMode, JSON.parse(resultJSON).raw)
  await promisify(wx.startSoterAuthentication)({ requestAuthModes: [], challenge: '43' }).catch(({ errCode }) => console.log(errCode))
  await wxp.login()
  wxp.checkSession({ complete: ({ errMsg }) => console.log(errMsg) })
  console.log(wxp.canIUse('startHCE'))
}

main()
