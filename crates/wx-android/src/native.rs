//! The native methods of `wx.device.Agent`. Each is found by its name, which is why none has another reason to be unsafe: what comes
//! from Java is checked by its type, and handles are looked up.

use std::path::Path;

use jni::{
    Env, EnvUnowned,
    errors::{Result, ThrowRuntimeExAndDefault},
    jni_str,
    objects::{JClass, JObject, JObjectArray, JString},
    strings::JNIString,
    sys::{jint, jlong},
};

use crate::{
    agents::{self, Refusal},
    call::{Target, texts},
};

/// What a method answers: its result, or an exception.
fn answer<T: Default>(env: &mut Env<'_>, result: std::result::Result<T, Refusal>) -> Result<T> {
    let (class, why) = match result {
        Ok(result) => return Ok(result),
        Err(Refusal::Argument(why)) => (jni_str!("java/lang/IllegalArgumentException"), why),
        Err(Refusal::State(why)) => (jni_str!("java/lang/IllegalStateException"), why),
    };
    env.throw_new(class, JNIString::from(why))?;
    Ok(T::default())
}

// SAFETY: no other function of a process has the name of this method.
#[unsafe(export_name = "Java_wx_device_Agent_begin")]
extern "system" fn begin<'a>(
    mut env: EnvUnowned<'a>,
    class: JClass<'a>,
    backend: JObject<'a>,
    supported: JObjectArray<'a, JString<'a>>,
    folder: JString<'a>,
    name: JString<'a>,
    listen: JString<'a>,
) -> jlong {
    let begun = env.with_env(|env| {
        let target = Target::new(env, &class, &backend)?;
        let supported = texts(env, &supported)?;
        let [folder, name, listen] = [folder.try_to_string(env)?, name.try_to_string(env)?, listen.try_to_string(env)?];
        answer(env, agents::start(target, &supported, Path::new(&folder), name, &listen))
    });
    begun.resolve::<ThrowRuntimeExAndDefault>()
}

// SAFETY: no other function of a process has the name of this method.
#[unsafe(export_name = "Java_wx_device_Agent_address")]
extern "system" fn address<'a>(mut env: EnvUnowned<'a>, _: JClass<'a>, handle: jlong) -> JString<'a> {
    let address = env.with_env(|env| {
        let address = answer(env, agents::running(handle).map(|agent| Some(agent.address())))?;
        text(env, address)
    });
    address.resolve::<ThrowRuntimeExAndDefault>()
}

// SAFETY: no other function of a process has the name of this method.
#[unsafe(export_name = "Java_wx_device_Agent_pair")]
extern "system" fn pair<'a>(
    mut env: EnvUnowned<'a>,
    _: JClass<'a>,
    handle: jlong,
    address: JString<'a>,
    seconds: jint,
) -> JString<'a> {
    let invitation = env.with_env(|env| {
        let address = address.try_to_string(env)?;
        let invitation = agents::running(handle).and_then(|agent| agent.pair(&address, seconds));
        let invitation = answer(env, invitation.map(Some))?;
        text(env, invitation)
    });
    invitation.resolve::<ThrowRuntimeExAndDefault>()
}

// SAFETY: no other function of a process has the name of this method.
#[unsafe(export_name = "Java_wx_device_Agent_revoke")]
extern "system" fn revoke<'a>(mut env: EnvUnowned<'a>, _: JClass<'a>, handle: jlong, name_or_key: JString<'a>) -> jint {
    let gone = env.with_env(|env| {
        let name_or_key = name_or_key.try_to_string(env)?;
        answer(env, agents::running(handle).and_then(|agent| agent.revoke(&name_or_key)))
    });
    gone.resolve::<ThrowRuntimeExAndDefault>()
}

// SAFETY: no other function of a process has the name of this method.
#[unsafe(export_name = "Java_wx_device_Agent_emit")]
extern "system" fn emit<'a>(
    mut env: EnvUnowned<'a>,
    _: JClass<'a>,
    handle: jlong,
    app: JString<'a>,
    event: JString<'a>,
    payload: JString<'a>,
) {
    let emitted = env.with_env(|env| {
        let [app, event, payload] = [app.try_to_string(env)?, event.try_to_string(env)?, payload.try_to_string(env)?];
        answer(env, agents::running(handle).and_then(|agent| agent.emit(&app, &event, &payload)))
    });
    emitted.resolve::<ThrowRuntimeExAndDefault>();
}

// SAFETY: no other function of a process has the name of this method.
#[unsafe(export_name = "Java_wx_device_Agent_stop")]
extern "system" fn stop<'a>(mut env: EnvUnowned<'a>, _: JClass<'a>, handle: jlong) {
    let stopped = env.with_env(|env| answer(env, agents::stop(handle)));
    stopped.resolve::<ThrowRuntimeExAndDefault>();
}

fn text<'a>(env: &mut Env<'a>, text: Option<String>) -> Result<JString<'a>> {
    // Nothing where an exception is on its way.
    text.map_or_else(|| Ok(JString::null()), |text| env.new_string(text))
}
