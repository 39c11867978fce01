//! Whose a decision is, and how long it lasts.

use wx_api::Scope;

use super::{ask, ask_as};
use crate::case::{Bench, Outcome, check_eq};

pub(super) async fn decisions_are_per_app(bench: Bench) -> Outcome {
    ask(&bench, Scope::Record).await?;
    ask_as(&bench, &bench.other_app(), Scope::Record).await?;
    check_eq("the number of prompts after both apps asked", bench.user()?.prompts().len(), 2)
}

pub(super) async fn decisions_are_per_user(bench: Bench) -> Outcome {
    ask(&bench, Scope::Record).await?;
    ask_as(&bench, &bench.cx.clone().with_user("somebody else"), Scope::Record).await?;
    check_eq("the number of prompts after both users were asked", bench.user()?.prompts().len(), 2)
}

pub(super) async fn decision_survives_relaunch(bench: Bench) -> Outcome {
    ask(&bench, Scope::Record).await?;
    ask_as(&bench, &bench.cx.relaunch(), Scope::Record).await?;
    check_eq("the number of prompts after a relaunch", bench.user()?.prompts().len(), 1)
}

pub(super) async fn removing_the_app_forgets(bench: Bench) -> Outcome {
    let user = bench.user()?;
    ask(&bench, Scope::Record).await?;
    user.remove_app(bench.cx.app()).await?;
    ask_as(&bench, &bench.cx.relaunch(), Scope::Record).await?;
    check_eq("the number of prompts after the app was removed", user.prompts().len(), 2)
}
