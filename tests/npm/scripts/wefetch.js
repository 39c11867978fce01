// Instances and their defaults, and the interceptor before a request. There is no `wx.request` yet.
const wf = require('wefetch')

const api = wf.create({ baseUrl: 'https://example.com', header: { token: 't' } })
api.before.use(request => {
  console.log(request.method, request.url, request.header.token)
  return request
})
api.get('/orders').then(
  () => console.log('answered'),
  error => console.log(error instanceof TypeError, typeof wx.request),
)
