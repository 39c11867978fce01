//! `wx.authorize`, one call after another.

use wx_api::{
    ErrorKind, Scope,
    authorization::{AuthorizeRequest, INVALID_SCOPE, REFUSED_EARLIER, REFUSED_NOW},
};

use super::{ask, ask_as, denied};
use crate::{
    case::{Bench, Outcome, check, check_eq, failed, failed_with},
    cases::{err_msg, soon},
    world::{Choice, Shown},
};

pub(super) async fn first_authorize_prompts(bench: Bench) -> Outcome {
    let user = bench.user()?;
    let _ = ask(&bench, Scope::Record).await; // what it answers is other cases' business
    check_eq("the number of prompts", user.prompts().len(), 1)
}

pub(super) async fn prompt_names_app_and_scope(bench: Bench) -> Outcome {
    let user = bench.user()?;
    let _ = ask(&bench, Scope::Camera).await;
    let expected = Shown { app: bench.cx.app().clone(), scope: Scope::Camera };
    check_eq("the prompt", user.prompts().first(), Some(&expected))
}

pub(super) async fn consent_answers_ok(bench: Bench) -> Outcome {
    bench.user()?.answer(Scope::Record, Choice::Allow);
    let answer = bench.wx.call_json(&bench.cx, "authorize", r#"{"scope":"scope.record"}"#).await;
    check_eq("errMsg", err_msg(&answer)?.as_str(), "authorize:ok")
}

pub(super) async fn granted_scope_is_not_asked_again(bench: Bench) -> Outcome {
    let user = bench.user()?;
    user.answer(Scope::Record, Choice::Allow);
    ask(&bench, Scope::Record).await?;
    let prompts = user.prompts().len();
    user.answer(Scope::Record, Choice::Deny); // so that asking again would show in the answer too
    ask(&bench, Scope::Record).await?;
    check_eq("the number of prompts after the second call", user.prompts().len(), prompts)
}

pub(super) async fn refusal_answers_auth_deny(bench: Bench) -> Outcome {
    bench.user()?.answer(Scope::Record, Choice::Deny);
    let error = failed_with("a refused authorize", ask(&bench, Scope::Record).await, REFUSED_NOW)?;
    check_eq("the kind", error.kind(), ErrorKind::Denied)?;
    check_eq("the reason", error.reason(), "auth deny")
}

pub(super) async fn refused_scope_is_not_asked_again(bench: Bench) -> Outcome {
    let user = bench.user()?;
    user.answer(Scope::Record, Choice::Deny);
    denied("authorize", ask(&bench, Scope::Record).await)?;
    let prompts = user.prompts().len();
    user.answer(Scope::Record, Choice::Allow);
    failed_with("the second authorize", ask(&bench, Scope::Record).await, REFUSED_EARLIER)?;
    check_eq("the number of prompts after the second call", user.prompts().len(), prompts)
}

pub(super) async fn denial_text_follows_the_profile(bench: Bench) -> Outcome {
    let user = bench.user()?;
    for (scope, separator, text) in
        [(Scope::Record, ' ', "authorize:fail auth deny"), (Scope::Camera, ':', "authorize:fail:auth deny")]
    {
        user.answer(scope, Choice::Deny);
        let cx = bench.cx.clone().with_profile(bench.cx.profile().clone().with_denial_separator(separator));
        let now = failed("a refused authorize", ask_as(&bench, &cx, scope).await)?;
        check_eq("the text of a refusal", now.to_string().as_str(), text)?;
        let earlier = failed("authorize after a refusal", ask_as(&bench, &cx, scope).await)?;
        check_eq("the text of an earlier refusal", earlier.to_string().as_str(), text)?;
    }
    Ok(())
}

pub(super) async fn authorize_does_not_run_the_api(bench: Bench) -> Outcome {
    // `getUserInfo` needs the network, so running it shows: it fails when the network is cut and never answers when it stalls.
    let network = bench.network()?;
    network.cut();
    ask(&bench, Scope::UserInfo).await?;
    network.stall();
    soon("authorize on a silent network", ask_as(&bench, &bench.other_app(), Scope::UserInfo)).await??;
    Ok(())
}

pub(super) async fn every_scope_can_be_authorized(bench: Bench) -> Outcome {
    let user = bench.user()?;
    for &scope in Scope::ALL {
        user.answer(scope, Choice::Allow);
        let answer = ask(&bench, scope).await;
        check(answer.is_ok(), format_args!("{scope} answers {answer:?}"))?;
    }
    Ok(())
}

pub(super) async fn unknown_scope_is_refused(bench: Bench) -> Outcome {
    is_no_scope(&bench, "scope.moon").await?;
    check_eq("the number of prompts", bench.user()?.prompts().len(), 0)
}

pub(super) async fn scope_needs_its_prefix(bench: Bench) -> Outcome {
    is_no_scope(&bench, "record").await
}

pub(super) async fn scope_case_matters(bench: Bench) -> Outcome {
    is_no_scope(&bench, "scope.userinfo").await?;
    is_no_scope(&bench, "Scope.record").await
}

async fn is_no_scope(bench: &Bench, scope: &str) -> Outcome {
    let answer = bench.wx.call(&bench.cx, AuthorizeRequest { scope: scope.to_owned() }).await;
    failed_with(scope, answer, INVALID_SCOPE).map(drop)
}

pub(super) async fn address_is_asked_as_the_profile_says(bench: Bench) -> Outcome {
    let user = bench.user()?;
    for scope in [Scope::Address, Scope::InvoiceTitle] {
        ask(&bench, scope).await?;
        let prompted = user.prompts().iter().any(|prompt| prompt.scope == scope);
        check_eq(&format!("whether {scope} was asked for"), prompted, bench.cx.profile().asks(scope))?;
    }
    Ok(())
}

pub(super) async fn dismissed_prompt_decides_nothing(bench: Bench) -> Outcome {
    let user = bench.user()?;
    user.answer(Scope::Record, Choice::Dismiss);
    let error = failed("authorize with its prompt closed", ask(&bench, Scope::Record).await)?;
    check_eq("the errMsg", error.to_string().as_str(), "authorize:fail cancel")?;
    user.answer(Scope::Record, Choice::Allow);
    ask(&bench, Scope::Record).await?;
    check_eq("the number of prompts after another call", user.prompts().len(), 2)
}
