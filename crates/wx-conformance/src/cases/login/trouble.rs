//! Logins that the network lets down, or that nobody waits for any more.

use std::{pin::pin, time::Duration};

use futures_util::{FutureExt, future::join};
use wx_api::{ErrorKind, Result, login::LoginRequest};

use crate::{Bench, Failure, Outcome, cases::soon, check_eq, failed};

const TIMEOUT: Duration = Duration::from_secs(5);

pub(super) async fn timeout_answers_fail_timeout(bench: Bench) -> Outcome {
    bench.network()?.stall();
    let error = failed("login with a silent server", let_it_time_out(&bench).await?)?;
    check_eq("the kind of the failure", error.kind(), ErrorKind::Timeout)?;
    check_eq("the errMsg", error.to_string().as_str(), "login:fail timeout")
}

pub(super) async fn answer_within_timeout_is_ok(bench: Bench) -> Outcome {
    bench.wx.call(&bench.cx, LoginRequest { timeout: Some(60_000) }).await?;
    Ok(())
}

pub(super) async fn works_again_after_a_timeout(bench: Bench) -> Outcome {
    bench.network()?.stall();
    let _ = let_it_time_out(&bench).await?;
    bench.network()?.restore();
    soon("the login after a timeout", bench.wx.call(&bench.cx, LoginRequest::default())).await??;
    Ok(())
}

pub(super) async fn unreachable_server_says_so(bench: Bench) -> Outcome {
    bench.network()?.cut();
    let answer = soon("a login without network", bench.wx.call(&bench.cx, LoginRequest::default())).await?;
    let error = failed("login without network", answer)?;
    check_eq("the kind of the failure", error.kind(), ErrorKind::Unavailable)
}

pub(super) async fn cancel_in_flight_harms_no_later_login(bench: Bench) -> Outcome {
    bench.network()?.stall();
    {
        let mut login = pin!(bench.wx.call(&bench.cx, LoginRequest::default()));
        if login.as_mut().now_or_never().is_some() {
            return Err(Failure("login answered although the server is silent".to_owned()));
        }
    }
    bench.network()?.restore();
    soon("the login after one that was broken off", bench.wx.call(&bench.cx, LoginRequest::default())).await??;
    Ok(())
}

/// A login with a timeout, and time passing beyond it.
async fn let_it_time_out(bench: &Bench) -> std::result::Result<Result<wx_api::login::LoginResult>, Failure> {
    let clock = bench.clock()?;
    let login = bench.wx.call(&bench.cx, LoginRequest { timeout: Some(5_000) });
    // The login is polled first, so its time runs before the clock moves.
    let (answer, ()) = soon("a login whose time is up", join(login, clock.advance(TIMEOUT))).await?;
    Ok(answer)
}
