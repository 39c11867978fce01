// Asks for the microphone, is refused, and sends the user to the settings page.
//
//     wx run consent.js
//     wx run --backend desktop --deny scope.record consent.js

const SCOPE = 'scope.record'

// On the mock the script plays the user as well.
if (typeof world !== 'undefined') {
  world.user.answer(SCOPE, 'deny')
  world.user.setting(SCOPE, true) // on the next settings page
}

async function main() {
  try {
    await wx.authorize({ scope: SCOPE })
    console.log('granted')
  } catch (error) {
    console.log(/** @type {WxAnswer} */ (error).errMsg)
    const { authSetting } = await wx.openSetting()
    console.log('after the settings page:', authSetting[SCOPE] ? 'granted' : 'still refused')
  }
  if (typeof world !== 'undefined') {
    console.log('prompts:', world.user.prompts().map(({ scope }) => scope).join(', '))
  }
}

main()
