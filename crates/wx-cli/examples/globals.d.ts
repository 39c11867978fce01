// What a script of `wx run` finds beside `wx`, for editors and the TypeScript compiler. `docs/wx.md` describes it.

declare const console: {
  debug(...values: unknown[]): void
  log(...values: unknown[]): void
  info(...values: unknown[]): void
  warn(...values: unknown[]): void
  error(...values: unknown[]): void
}

declare function setTimeout(callback: (...values: any[]) => void, delay?: number, ...values: unknown[]): number
declare function setInterval(callback: (...values: any[]) => void, delay?: number, ...values: unknown[]): number
declare function clearTimeout(id?: number): void
declare function clearInterval(id?: number): void

declare function App(options: { onLaunch?(options: object): void; onShow?(options: object): void; [name: string]: unknown }): void
declare function Page(options: { data?: object; onLoad?(query: object): void; onShow?(): void; onReady?(): void; [name: string]: unknown }): void
declare function require(name: string): any

/** The arguments after the script's name. */
declare const args: string[]

type Scope = keyof GetSettingResult['authSetting']

/** Everything outside the phone. */
interface World {
  clock: { advance(ms: number): Promise<null> }
  user: {
    answer(scope: Scope, choice: 'allow' | 'deny' | 'dismiss' | 'ignore'): void
    prompts(): Array<{ scope: Scope; app: string; user: string }>
    setting(scope: Scope, on: boolean): void
  }
  finger: { next(event: 'match' | 'no-match' | 'cancel' | 'freeze' | 'not-enrolled' | 'fault'): void }
  reader: {
    select(aid: string): Promise<string | null>
    transceive(command: string): Promise<string | null>
    leave(reason?: 0 | 1): Promise<null>
  }
  server: {
    exchange(code: string): { openid: string; session_key: string; unionid?: string; errcode?: undefined }
      | { openid?: undefined; session_key?: undefined; errcode: number; errmsg: string }
    open(encryptedData: string, iv: string): any
  }
}

/** Only the mock has it: elsewhere `typeof world` is `'undefined'`. */
declare const world: World
