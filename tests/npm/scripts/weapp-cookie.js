// It puts itself around `wx.request` and keeps its cookies with `wx.getStorageSync`. There is neither yet.
try {
  require('weapp-cookie')
  console.log('loaded')
} catch (error) {
  console.log(error instanceof TypeError, typeof wx.request, typeof wx.getStorageSync)
}
