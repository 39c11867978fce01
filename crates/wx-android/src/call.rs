use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jni::{
    Env, JValue, JavaVM,
    errors::{Error, Result},
    jni_sig, jni_str,
    objects::{JClass, JObject, JObjectArray, JString, JThread},
    refs::Global,
};

/// What is called: the app's object, and the class that turns exceptions into answers. Both live as long as this does.
#[derive(Clone)]
pub(crate) struct Target(Arc<(Global<JClass<'static>>, Global<JObject<'static>>)>);

/// What Java said to a call: texts, or none where it said `null`.
pub(crate) type Said = Vec<Option<String>>;

/// One call, shared by the thread that runs it and whoever waits for its answer.
#[derive(Clone, Default)]
pub(crate) struct Call(Arc<Mutex<Phase>>);

#[derive(Default)]
enum Phase {
    #[default]
    Waiting,
    /// In this thread.
    Running(Global<JThread<'static>>),
    /// It is done, or nobody waits any more and it will never begin.
    Over,
}

impl Target {
    pub(crate) fn new(env: &Env<'_>, agent: &JClass<'_>, backend: &JObject<'_>) -> Result<Self> {
        Ok(Self(Arc::new((env.new_global_ref(agent)?, env.new_global_ref(backend)?))))
    }
}

impl Call {
    /// Calls in this thread, which is attached to the virtual machine for as long as it lives; `None` if nobody waits any more.
    pub(crate) fn run(&self, target: &Target, api: &str, context: &str, args: &str) -> Result<Option<Said>> {
        // Its own frame of local references, and exceptions caught and cleared.
        JavaVM::singleton()?.attach_current_thread(|env| {
            let thread = JThread::current_thread(env)?;
            let thread = env.new_global_ref(thread)?;
            match &mut *self.lock() {
                Phase::Over => return Ok(None),
                phase => *phase = Phase::Running(thread),
            }
            let said = invoke(env, target, api, context, args);
            // From here on nobody interrupts. What came until now was for this call, and the thread is for others.
            *self.lock() = Phase::Over;
            let is_interrupted =
                env.call_static_method(jni_str!("java/lang/Thread"), jni_str!("interrupted"), jni_sig!("()Z"), &[]);
            said.and_then(|said| is_interrupted.map(|_| Some(said)))
        })
    }

    /// Nobody waits any more: a call that runs is interrupted, one that does not yet never will.
    pub(crate) fn cancel(&self) {
        let mut phase = self.lock();
        if let Phase::Running(thread) = &*phase {
            // The phase stays locked meanwhile, so that it cannot hit the thread's next call.
            let interrupted = JavaVM::singleton().and_then(|vm| {
                vm.attach_current_thread_for_scope(|env| {
                    env.call_method(thread, jni_str!("interrupt"), jni_sig!("()V"), &[]).map(drop)
                })
            });
            if let Err(error) = interrupted {
                tracing::warn!(%error, "a call that nobody waits for runs on");
            }
        }
        *phase = Phase::Over;
    }

    fn lock(&self) -> MutexGuard<'_, Phase> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner) // every phase is whole
    }
}

fn invoke(env: &mut Env<'_>, target: &Target, api: &str, context: &str, args: &str) -> Result<Said> {
    let (agent, backend) = &*target.0;
    let (api, context, args) = (env.new_string(api)?, env.new_string(context)?, env.new_string(args)?);
    let said = env.call_static_method(
        agent,
        jni_str!("invoke"),
        jni_sig!("(Lwx/device/Backend;Ljava/lang/String;Ljava/lang/String;Ljava/lang/String;)[Ljava/lang/String;"),
        &[JValue::Object(backend), JValue::Object(&api), JValue::Object(&context), JValue::Object(&args)],
    );
    let said = env.cast_local::<JObjectArray<'_, JString<'_>>>(said?.l()?)?;
    texts(env, &said)
}

/// An array of texts, any of which may be `null`.
pub(crate) fn texts(env: &mut Env<'_>, array: &JObjectArray<'_, JString<'_>>) -> Result<Said> {
    let mut texts = Vec::new();
    for index in 0..array.len(env)? {
        // One frame each: the array may be longer than the thread may have references.
        texts.push(env.with_local_frame(4, |env| {
            let text = array.get_element(env, index)?;
            if text.is_null() { Ok(None) } else { text.try_to_string(env).map(Some) }
        })?);
    }
    Ok::<_, Error>(texts)
}
