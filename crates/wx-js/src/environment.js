// What scripts expect beside `wx`, as far as it is JavaScript itself. `native` is the host's part; scripts never see it.
(function (global, native) {
  'use strict';

  const { ArrayBuffer, Date, Error, JSON, Map, Object, Proxy, RangeError, Reflect, TypeError, Uint8Array } = global;
  const define = (object, name, value) =>
    Object.defineProperty(object, name, { value, writable: true, enumerable: false, configurable: true });
  const expectFunction = (name, value) => {
    if (typeof value !== 'function') throw new TypeError(`${name} expects a function`);
  };

  // console

  const console = {};
  for (const level of ['debug', 'log', 'info', 'warn', 'error']) {
    console[level] = { [level](...values) { native.print(level, values); } }[level];
  }
  console.trace = console.debug;
  console.group = console.log;
  console.groupEnd = () => {};
  console.assert = (ok, ...values) => { if (!ok) native.print('error', ['Assertion failed:', ...values]); };
  define(global, 'console', console);

  // Timers and microtasks

  define(global, 'setTimeout', function setTimeout(callback, delay, ...values) {
    expectFunction('setTimeout', callback);
    return native.setTimer(callback, Number(delay), false, values);
  });
  define(global, 'setInterval', function setInterval(callback, delay, ...values) {
    expectFunction('setInterval', callback);
    return native.setTimer(callback, Number(delay), true, values);
  });
  define(global, 'clearTimeout', function clearTimeout(id) { native.clearTimer(Number(id)); });
  define(global, 'clearInterval', function clearInterval(id) { native.clearTimer(Number(id)); });
  define(global, 'queueMicrotask', function queueMicrotask(callback) {
    expectFunction('queueMicrotask', callback);
    native.queueMicrotask(callback);
  });

  // The time is the host's.

  const now = native.now;
  const HostDate = new Proxy(Date, {
    construct: (target, values, newTarget) => Reflect.construct(target, values.length ? values : [now()], newTarget),
    apply: () => new Date(now()).toString(),
  });
  define(Date, 'now', { now: () => now() }.now);
  define(Date.prototype, 'constructor', HostDate);
  define(global, 'Date', HostDate);

  // Text

  define(global, 'TextEncoder', class TextEncoder {
    get encoding() { return 'utf-8'; }
    encode(text = '') { return new Uint8Array(native.encode(`${text}`)); }
    encodeInto(text, target) {
      let [read, written] = [0, 0];
      for (const character of `${text}`) {
        const bytes = this.encode(character);
        if (written + bytes.length > target.length) break;
        target.set(bytes, written);
        read += character.length;
        written += bytes.length;
      }
      return { read, written };
    }
  });

  define(global, 'TextDecoder', class TextDecoder {
    #fatal;
    #keepMark;
    #rest = new Uint8Array(0);
    constructor(encoding = 'utf-8', { fatal = false, ignoreBOM = false } = {}) {
      if (!/^\s*(utf-?8|unicode-1-1-utf-8)\s*$/i.test(encoding)) throw new RangeError(`encoding ${encoding} is not supported`);
      this.#fatal = !!fatal;
      this.#keepMark = !!ignoreBOM;
    }
    get encoding() { return 'utf-8'; }
    get fatal() { return this.#fatal; }
    get ignoreBOM() { return this.#keepMark; }
    decode(input = new ArrayBuffer(0), { stream = false } = {}) {
      const view = ArrayBuffer.isView(input)
        ? new Uint8Array(input.buffer, input.byteOffset, input.byteLength) : new Uint8Array(input);
      const bytes = new Uint8Array(this.#rest.length + view.length);
      bytes.set(this.#rest);
      bytes.set(view, this.#rest.length);
      const whole = stream ? native.wholeCharacters(bytes.buffer) : bytes.length;
      this.#rest = bytes.slice(whole);
      const text = native.decode(bytes.slice(0, whole).buffer, this.#fatal);
      return !this.#keepMark && text.startsWith('\uFEFF') ? text.slice(1) : text;
    }
  });

  // Modules

  const modules = new Map();
  const running = [];
  const load = id => {
    const known = modules.get(id);
    if (known) return known.exports;
    const module = { id, exports: {}, loaded: false };
    modules.set(id, module);
    running.push(id);
    try {
      if (id.endsWith('.json')) module.exports = JSON.parse(native.read(id));
      else native.compile(id).call(module.exports, requireFrom(id), module, module.exports);
      module.loaded = true;
    } catch (error) {
      modules.delete(id);
      throw error;
    } finally {
      running.pop();
    }
    return module.exports;
  };
  const requireFrom = from => function require(name) { return load(native.resolve(from, `${name}`)); };
  const main = (id, compiled) => {
    const module = { id, exports: {}, loaded: false };
    modules.set(id, module);
    running.push(id);
    try {
      compiled.call(module.exports, requireFrom(id), module, module.exports);
      module.loaded = true;
    } finally {
      running.pop();
    }
  };

  // App and pages

  let app;
  const pages = [];
  let registered = 0;
  const guarded = (object, name, ...values) => {
    if (typeof object[name] !== 'function') return;
    try {
      object[name](...values);
    } catch (error) {
      native.uncaught(error);
    }
  };
  const launch = { path: '', scene: 1001, query: {}, referrerInfo: {} };

  define(global, 'App', function App(options = {}) {
    if (app) throw new Error('App() is called once in a mini-program');
    app = options;
    native.setTimer(() => {
      guarded(app, 'onLaunch', { ...launch });
      guarded(app, 'onShow', { ...launch });
    }, 0, false, []);
  });
  define(global, 'getApp', function getApp() { return app; });

  const setPath = (data, path, value) => {
    const steps = path.replace(/\[(\d+)\]/g, '.$1').split('.');
    const last = steps.pop();
    let place = data;
    for (const [i, step] of steps.entries()) {
      // What it inherits is none of its data: `__proto__` is a name like others.
      if (!Object.hasOwn(place, step) || typeof place[step] !== 'object' || place[step] === null) {
        define(place, step, /^\d+$/.test(steps[i + 1] ?? last) ? [] : {});
        Object.defineProperty(place, step, { enumerable: true });
      }
      place = place[step];
    }
    Object.defineProperty(place, last, { value, writable: true, enumerable: true, configurable: true });
  };
  const copy = value => value === undefined ? undefined : JSON.parse(JSON.stringify(value));

  define(global, 'Page', function Page(options = {}) {
    const route = (running[running.length - 1] ?? '').replace(/\.js$/, '');
    if (registered++ > 0) return; // only the first page is opened: there is no navigation yet
    const page = Object.assign(Object.create({
      setData(changes, callback) {
        for (const [path, value] of Object.entries(changes)) setPath(this.data, path, copy(value));
        if (typeof callback === 'function') native.setTimer(() => callback.call(this), 0, false, []);
      },
    }), options, { data: copy(options.data) ?? {}, route, options: {} });
    launch.path = route;
    native.setTimer(() => {
      pages.push(page);
      guarded(page, 'onLoad', {});
      guarded(page, 'onShow');
      guarded(page, 'onReady');
    }, 0, false, []);
  });
  define(global, 'getCurrentPages', function getCurrentPages() { return [...pages]; });

  return { main, load };
})
