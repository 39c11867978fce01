// Derived by `cargo xtask codegen` from the domain files of wx-api. Do not edit.

/** What every answer carries. */
interface WxAnswer {
  /** `<api>:ok`, or `<api>:fail <reason>`. */
  errMsg: string
  /** Where its page documents one; 0 on success. */
  errCode?: number
}

/** The callbacks of every call: success then complete, or fail then complete. */
interface WxCallbacks<T> {
  success?: (result: T & WxAnswer) => void
  fail?: (error: WxAnswer) => void
  complete?: (answer: WxAnswer) => void
}

interface Wx {
  /** `wx.authorize`: asks for a scope ahead of its use. */
  authorize(options: {
    /** The scope to ask for. A text, because a script may write what no library knows. */
    scope: string
  } & WxCallbacks<{}>): Promise<{} & WxAnswer>
  /** `wx.getSetting`: the scopes that were ever asked for, and the decisions. */
  getSetting(options?: {} & WxCallbacks<{
    /** Every scope that was ever asked for, and whether it is granted. */
    authSetting: { [key in 'scope.userInfo' | 'scope.userLocation' | 'scope.address' | 'scope.invoiceTitle' | 'scope.werun' | 'scope.record' | 'scope.writePhotosAlbum' | 'scope.camera']?: boolean }
  }>): Promise<{
    /** Every scope that was ever asked for, and whether it is granted. */
    authSetting: { [key in 'scope.userInfo' | 'scope.userLocation' | 'scope.address' | 'scope.invoiceTitle' | 'scope.werun' | 'scope.record' | 'scope.writePhotosAlbum' | 'scope.camera']?: boolean }
  } & WxAnswer>
  /** `wx.openSetting`: the settings page, and the decisions as the user left them. */
  openSetting(options?: {} & WxCallbacks<{
    /** Every scope that was ever asked for, as the user left it. */
    authSetting: { [key in 'scope.userInfo' | 'scope.userLocation' | 'scope.address' | 'scope.invoiceTitle' | 'scope.werun' | 'scope.record' | 'scope.writePhotosAlbum' | 'scope.camera']?: boolean }
  }>): Promise<{
    /** Every scope that was ever asked for, as the user left it. */
    authSetting: { [key in 'scope.userInfo' | 'scope.userLocation' | 'scope.address' | 'scope.invoiceTitle' | 'scope.werun' | 'scope.record' | 'scope.writePhotosAlbum' | 'scope.camera']?: boolean }
  } & WxAnswer>
  /** `wx.getHCEState`: whether this device can emulate a card now. */
  getHCEState(options?: {} & WxCallbacks<{}>): Promise<{} & WxAnswer>
  /** `wx.startHCE`: registers the applications this mini-program plays. */
  startHCE(options: {
    /** The AIDs to register, each in hex. */
    aid_list: Array<string>
  } & WxCallbacks<{}>): Promise<{} & WxAnswer>
  /** `wx.stopHCE`: gives the applications back. */
  stopHCE(options?: {} & WxCallbacks<{}>): Promise<{} & WxAnswer>
  /** `wx.sendHCEMessage`: answers the reader's command. */
  sendHCEMessage(options: {
    /** The response: data and two status bytes. */
    data: ArrayBuffer
  } & WxCallbacks<{}>): Promise<{} & WxAnswer>
  /** `wx.onHCEMessage`: what the reader does. */
  onHCEMessage(listener: (event: {
    /** 1 for a command, 2 for a departure. */
    messageType: number
    /** The command, when `messageType` is 1. */
    data?: ArrayBuffer
    /** Why the reader is gone, when `messageType` is 2: 0 the field was lost, 1 another app was selected. */
    reason?: number
  }) => void): void
  /** Takes one listener off, or all. */
  offHCEMessage(listener?: (event: {
    /** 1 for a command, 2 for a departure. */
    messageType: number
    /** The command, when `messageType` is 1. */
    data?: ArrayBuffer
    /** Why the reader is gone, when `messageType` is 2: 0 the field was lost, 1 another app was selected. */
    reason?: number
  }) => void): void
  /** `wx.login`: a code that the developer's server exchanges for the user's identity and a fresh session key. */
  login(options?: {
    /** How long to wait, in milliseconds. Since 1.9.90. */
    timeout?: number
  } & WxCallbacks<{
    /** The code: good for five minutes and one exchange. Whoever holds it can sign in as the user, so `Debug` hides it. */
    code: string
  }>): Promise<{
    /** The code: good for five minutes and one exchange. Whoever holds it can sign in as the user, so `Debug` hides it. */
    code: string
  } & WxAnswer>
  /** `wx.checkSession`: whether the user's session key still works. */
  checkSession(options?: {} & WxCallbacks<{}>): Promise<{} & WxAnswer>
  /** `wx.checkIsSupportSoterAuthentication`: the modes this device can do. */
  checkIsSupportSoterAuthentication(options?: {} & WxCallbacks<{
    /** The modes this device can do. */
    supportMode: Array<'fingerPrint' | 'facial' | 'speech'>
  }>): Promise<{
    /** The modes this device can do. */
    supportMode: Array<'fingerPrint' | 'facial' | 'speech'>
  } & WxAnswer>
  /** `wx.checkIsSoterEnrolledInDevice`: whether the user has enrolled a finger. */
  checkIsSoterEnrolledInDevice(options: {
    /** The mode asked about. */
    checkAuthMode: 'fingerPrint' | 'facial' | 'speech'
  } & WxCallbacks<{
    /** Whether something is enrolled. */
    isEnrolled: boolean
  }>): Promise<{
    /** Whether something is enrolled. */
    isEnrolled: boolean
  } & WxAnswer>
  /** `wx.startSoterAuthentication`: lets the user confirm a challenge. */
  startSoterAuthentication(options: {
    /** The acceptable modes. */
    requestAuthModes: Array<'fingerPrint' | 'facial' | 'speech'>
    /** What the user confirms, such as an order number. It comes back as `raw`. */
    challenge: string
    /** What the dialog shows. */
    authContent?: string
  } & WxCallbacks<{
    /** The mode that was used. */
    authMode: 'fingerPrint' | 'facial' | 'speech'
    /** What the device confirmed: the text of a [`SoterResult`]. Its exact bytes are signed, so it must reach the server as it is. */
    resultJSON: string
    /** Base64 of the signature over `resultJSON`. */
    resultJSONSignature: string
  }>): Promise<{
    /** The mode that was used. */
    authMode: 'fingerPrint' | 'facial' | 'speech'
    /** What the device confirmed: the text of a [`SoterResult`]. Its exact bytes are signed, so it must reach the server as it is. */
    resultJSON: string
    /** Base64 of the signature over `resultJSON`. */
    resultJSONSignature: string
  } & WxAnswer>
  /** `wx.getUserInfo`: the user's profile. Needs `scope.userInfo`. */
  getUserInfo(options?: {
    /** Whether the answer must carry what only the server may read. */
    withCredentials?: boolean
    /** The language of place names. */
    lang?: 'en' | 'zh_CN' | 'zh_TW'
  } & WxCallbacks<{
    /** The profile. */
    userInfo: { nickName: string; gender: number; language: 'en' | 'zh_CN' | 'zh_TW'; city: string; province: string; country: string; avatarUrl: string }
    /** The profile as the JSON text that was signed. */
    rawData: string
    /** `sha1(rawData + session_key)` in lower-case hex; absent without a session. */
    signature?: string
    /** The profile with the user's identifiers and a watermark, sealed with the session key. */
    encryptedData?: string
    /** The initial vector of `encryptedData`. */
    iv?: string
  }>): Promise<{
    /** The profile. */
    userInfo: { nickName: string; gender: number; language: 'en' | 'zh_CN' | 'zh_TW'; city: string; province: string; country: string; avatarUrl: string }
    /** The profile as the JSON text that was signed. */
    rawData: string
    /** `sha1(rawData + session_key)` in lower-case hex; absent without a session. */
    signature?: string
    /** The profile with the user's identifiers and a watermark, sealed with the session key. */
    encryptedData?: string
    /** The initial vector of `encryptedData`. */
    iv?: string
  } & WxAnswer>
}

declare const wx: Wx
