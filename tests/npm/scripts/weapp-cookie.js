// It puts itself around `wx.request` and keeps its cookies with `wx.setStorageSync`. There is neither yet: cookies last as long as
// the script.
const cookies = require('weapp-cookie')

cookies.set('uid', '100', { domain: 'example.com' })
console.log(cookies.get('uid', 'example.com'), cookies.has('uid', 'example.org'))
console.log(typeof wx.setStorageSync)
