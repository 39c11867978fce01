// A package written as an ES module, under a scope. There is no `wx.request` yet.
const { $http } = require('@escook/request-miniprogram')

$http.baseUrl = 'https://example.com'
$http.beforeRequest = options => console.log(options.method, options.url, options.data)
$http.post('/orders', { id: 42 }).then(
  () => console.log('answered'),
  error => console.log(error instanceof TypeError, typeof wx.request),
)
