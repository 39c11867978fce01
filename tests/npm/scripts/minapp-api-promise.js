// A bundle that looks at `window`: HCE as promises, and an interceptor.
const wxp = require('minapp-api-promise').default

wxp.intercept('startHCE', {
  config: args => ({ ...args, aid_list: [...args.aid_list, 'F222222222'] }),
  success: res => ({ ...res, intercepted: true }),
})

async function main() {
  console.log((await wxp.getHCEState()).errCode)
  await wxp.sendHCEMessage({ data: new Uint8Array([0x90, 0x00]).buffer }).catch(({ errCode }) => console.log(errCode))
  console.log(await wxp.startHCE({ aid_list: ['F0010203040506'] }))
  wxp.onHCEMessage(({ data }) => {
    console.log(new Uint8Array(data)[1].toString(16))
    wxp.sendHCEMessage({ data: new Uint8Array([0x90, 0x00]).buffer })
  })
  console.log(await reader.select('F222222222'))
  console.log((await wxp.stopHCE()).errMsg)
}

main()
