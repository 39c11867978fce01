// axios itself, with the adapter in place of a browser's. There is no `wx.request` yet.
const axios = require('axios')
const adapter = require('axios-miniprogram-adapter')

axios.defaults.adapter = adapter
axios.interceptors.request.use(config => {
  console.log(config.method, config.baseURL, config.url)
  return config
})
console.log(axios.getUri({ url: '/a', params: { b: [1, 2], c: 'd e' } }))
axios.post('/orders', { id: 42 }, { baseURL: 'https://example.com' }).then(
  () => console.log('answered'),
  error => console.log(error instanceof TypeError, typeof wx.request),
)
