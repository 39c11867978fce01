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


/** Parameters of `wx.authorize`. */
interface AuthorizeOptions {
  /** The scope to ask for. A text, because a script may write what no library knows. */
  scope: string
}

/** What `wx.authorize` answers. */
interface AuthorizeResult {
}

/** Parameters of `wx.getSetting`. */
interface GetSettingOptions {
}

/** What `wx.getSetting` answers. */
interface GetSettingResult {
  /** Every scope that was ever asked for, and whether it is granted. */
  authSetting: { [key in 'scope.userInfo' | 'scope.userLocation' | 'scope.address' | 'scope.invoiceTitle' | 'scope.werun' | 'scope.record' | 'scope.writePhotosAlbum' | 'scope.camera']?: boolean }
}

/** Parameters of `wx.openSetting`. */
interface OpenSettingOptions {
}

/** What `wx.openSetting` answers. */
interface OpenSettingResult {
  /** Every scope that was ever asked for, as the user left it. */
  authSetting: { [key in 'scope.userInfo' | 'scope.userLocation' | 'scope.address' | 'scope.invoiceTitle' | 'scope.werun' | 'scope.record' | 'scope.writePhotosAlbum' | 'scope.camera']?: boolean }
}

/** Parameters of `wx.getHCEState`. */
interface GetHceStateOptions {
}

/** What `wx.getHCEState` answers. */
interface GetHceStateResult {
}

/** Parameters of `wx.startHCE`. */
interface StartHceOptions {
  /** The AIDs to register, each in hex. */
  aid_list: Array<string>
}

/** What `wx.startHCE` answers. */
interface StartHceResult {
}

/** Parameters of `wx.stopHCE`. */
interface StopHceOptions {
}

/** What `wx.stopHCE` answers. */
interface StopHceResult {
}

/** Parameters of `wx.sendHCEMessage`. */
interface SendHceMessageOptions {
  /** The response: data and two status bytes. */
  data: ArrayBuffer
}

/** What `wx.sendHCEMessage` answers. */
interface SendHceMessageResult {
}

/** The event of `wx.onHCEMessage`. */
interface HceMessage {
  /** 1 for a command, 2 for a departure. */
  messageType: number
  /** The command, when `messageType` is 1. */
  data?: ArrayBuffer
  /** Why the reader is gone, when `messageType` is 2: 0 the field was lost, 1 another app was selected. */
  reason?: number
}

/** Parameters of `wx.login`. */
interface LoginOptions {
  /** How long to wait, in milliseconds. Since 1.9.90. */
  timeout?: number
}

/** What `wx.login` answers. */
interface LoginResult {
  /** The code: good for five minutes and one exchange. Whoever holds it can sign in as the user, so `Debug` hides it. */
  code: string
}

/** Parameters of `wx.checkSession`. */
interface CheckSessionOptions {
}

/** What `wx.checkSession` answers. */
interface CheckSessionResult {
}

/** Parameters of `wx.checkIsSupportSoterAuthentication`. */
interface CheckIsSupportSoterAuthenticationOptions {
}

/** What `wx.checkIsSupportSoterAuthentication` answers. */
interface CheckIsSupportSoterAuthenticationResult {
  /** The modes this device can do. */
  supportMode: Array<'fingerPrint' | 'facial' | 'speech'>
}

/** Parameters of `wx.checkIsSoterEnrolledInDevice`. */
interface CheckIsSoterEnrolledInDeviceOptions {
  /** The mode asked about. */
  checkAuthMode: 'fingerPrint' | 'facial' | 'speech'
}

/** What `wx.checkIsSoterEnrolledInDevice` answers. */
interface CheckIsSoterEnrolledInDeviceResult {
  /** Whether something is enrolled. */
  isEnrolled: boolean
}

/** Parameters of `wx.startSoterAuthentication`. */
interface StartSoterAuthenticationOptions {
  /** The acceptable modes. */
  requestAuthModes: Array<'fingerPrint' | 'facial' | 'speech'>
  /** What the user confirms, such as an order number. It comes back as `raw`. */
  challenge: string
  /** What the dialog shows. */
  authContent?: string
}

/** What `wx.startSoterAuthentication` answers. */
interface StartSoterAuthenticationResult {
  /** The mode that was used. */
  authMode: 'fingerPrint' | 'facial' | 'speech'
  /** What the device confirmed: the text of a [`SoterResult`]. Its exact bytes are signed, so it must reach the server as it is. */
  resultJSON: string
  /** Base64 of the signature over `resultJSON`. */
  resultJSONSignature: string
}

/** Parameters of `wx.getUserInfo`. */
interface GetUserInfoOptions {
  /** Whether the answer must carry what only the server may read. */
  withCredentials?: boolean
  /** The language of place names. */
  lang?: 'en' | 'zh_CN' | 'zh_TW'
}

/** What `wx.getUserInfo` answers. */
interface GetUserInfoResult {
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
}

interface Wx {
  /** `wx.authorize`: asks for a scope ahead of its use. */
  authorize(options: AuthorizeOptions & WxCallbacks<AuthorizeResult>): Promise<AuthorizeResult & WxAnswer>
  /** `wx.getSetting`: the scopes that were ever asked for, and the decisions. */
  getSetting(options?: GetSettingOptions & WxCallbacks<GetSettingResult>): Promise<GetSettingResult & WxAnswer>
  /** `wx.openSetting`: the settings page, and the decisions as the user left them. */
  openSetting(options?: OpenSettingOptions & WxCallbacks<OpenSettingResult>): Promise<OpenSettingResult & WxAnswer>
  /** `wx.getHCEState`: whether this device can emulate a card now. */
  getHCEState(options?: GetHceStateOptions & WxCallbacks<GetHceStateResult>): Promise<GetHceStateResult & WxAnswer>
  /** `wx.startHCE`: registers the applications this mini-program plays. */
  startHCE(options: StartHceOptions & WxCallbacks<StartHceResult>): Promise<StartHceResult & WxAnswer>
  /** `wx.stopHCE`: gives the applications back. */
  stopHCE(options?: StopHceOptions & WxCallbacks<StopHceResult>): Promise<StopHceResult & WxAnswer>
  /** `wx.sendHCEMessage`: answers the reader's command. */
  sendHCEMessage(options: SendHceMessageOptions & WxCallbacks<SendHceMessageResult>): Promise<SendHceMessageResult & WxAnswer>
  /** `wx.onHCEMessage`: what the reader does. */
  onHCEMessage(listener: (event: HceMessage) => void): void
  /** Takes one listener off, or all. */
  offHCEMessage(listener?: (event: HceMessage) => void): void
  /** `wx.login`: a code that the developer's server exchanges for the user's identity and a fresh session key. */
  login(options?: LoginOptions & WxCallbacks<LoginResult>): Promise<LoginResult & WxAnswer>
  /** `wx.checkSession`: whether the user's session key still works. */
  checkSession(options?: CheckSessionOptions & WxCallbacks<CheckSessionResult>): Promise<CheckSessionResult & WxAnswer>
  /** `wx.checkIsSupportSoterAuthentication`: the modes this device can do. */
  checkIsSupportSoterAuthentication(options?: CheckIsSupportSoterAuthenticationOptions & WxCallbacks<CheckIsSupportSoterAuthenticationResult>): Promise<CheckIsSupportSoterAuthenticationResult & WxAnswer>
  /** `wx.checkIsSoterEnrolledInDevice`: whether the user has enrolled a finger. */
  checkIsSoterEnrolledInDevice(options: CheckIsSoterEnrolledInDeviceOptions & WxCallbacks<CheckIsSoterEnrolledInDeviceResult>): Promise<CheckIsSoterEnrolledInDeviceResult & WxAnswer>
  /** `wx.startSoterAuthentication`: lets the user confirm a challenge. */
  startSoterAuthentication(options: StartSoterAuthenticationOptions & WxCallbacks<StartSoterAuthenticationResult>): Promise<StartSoterAuthenticationResult & WxAnswer>
  /** `wx.getUserInfo`: the user's profile. Needs `scope.userInfo`. */
  getUserInfo(options?: GetUserInfoOptions & WxCallbacks<GetUserInfoResult>): Promise<GetUserInfoResult & WxAnswer>
  /** Whether an API, a parameter of one or a field of its answer is there: `login.object.timeout`. */
  canIUse(schema: string): boolean
}

declare const wx: Wx
