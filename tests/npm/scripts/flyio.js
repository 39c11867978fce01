// Everything before the request runs: interceptors, the base URL, the body. There is no `wx.request` yet.
const Fly = require('flyio/dist/npm/wx')

const fly = new Fly()
fly.config.baseURL = 'https://example.com'
fly.interceptors.request.use(request => {
  console.log(request.method, request.baseURL, request.url, request.body)
  return request
})
fly.post('/orders', { id: 42 }).then(() => console.log('answered'), () => console.log('failed'))
