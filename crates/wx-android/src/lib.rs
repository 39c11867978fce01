//! The agent of `wx-device` as an Android app loads it: the app implements a Java interface, `wx.device.Backend`, and is a device that
//! hosts elsewhere can drive. The Java half is in this crate's folder `java`; `docs/android.md` shows how to build both into an app.
//!
//! ```java
//! Agent agent = Agent.start(new MyPhone(), getFilesDir() + "/link", "Li's phone", "tcp://0.0.0.0:7411");
//! show(agent.pair("tcp://192.168.1.7:7411", 600)); // what a host accepts, within ten minutes
//! agent.emit("wx4f4bc4dec97d474b", "onHCEMessage", "{\"messageType\": 2, \"reason\": 1}");
//! agent.stop();
//! ```
//!
//! **Invariant.** Nothing that Java does brings the process down: an exception becomes the answer of the call it came from, and a
//! handle that is no longer good becomes an `IllegalStateException`.
//!
//! **Invariant.** A local reference lives as long as one call: every way into Java has a frame of its own.

mod agents;
mod backend;
mod call;
#[allow(unsafe_code, reason = "a function that Java finds by its name: saying that no other has that name is unsafe")]
mod native;
