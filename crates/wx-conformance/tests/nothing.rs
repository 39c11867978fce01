//! The whole suite over a backend that can do nothing, and says so.

fn main() -> std::process::ExitCode {
    wx_conformance::main(wx_conformance::Plain::new("nothing", wx_api::Host::default))
}
