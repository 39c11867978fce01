// An ES module of many files, made for uni-app, whose `uni` is `wx` with other APIs added. There is no `request` yet.
globalThis.uni = wx

const Request = require('luch-request').default

const http = new Request({ baseURL: 'https://example.com', header: { token: 't' } })
http.interceptors.request.use(config => {
  console.log(config.method, config.url, config.header.token)
  return config
})
http.get('/orders', { params: { id: 42 } }).then(
  () => console.log('answered'),
  error => console.log(error instanceof TypeError, typeof uni.request),
)
