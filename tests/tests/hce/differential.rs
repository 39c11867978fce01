//! The same random scripts on the mock and on the desktop over a real PC/SC stack: every answer and every message must be the same.

use std::{pin::pin, sync::Arc, time::Duration};

use futures_util::FutureExt;
use tokio::time::timeout;
use wx_api::{Result, hce::Hce};
use wx_mock::World;

use crate::tap::{App, OK, Tap, select};

const SCRIPTS: u64 = 2_000;
const STEPS: u64 = 12;

/// Few AIDs that often meet, and some that are none.
const AIDS: &[&str] = &[
    "F222222222",
    "F22222222201",
    "F2222222220102",
    "F222222222*",
    "F22222222201*",
    "F2222222220102#",
    "F333333333",
    "F3333333330102",
    "F333333333*",
    "F333333333010203#",
    "A000000476416E64726F6964484345*",
    "F2222222",
    "F22222222",
    "G222222222",
];
const RESPONSES: &[&[u8]] =
    &[OK, OK, &[0x6A, 0x82], &[0x00, 0xFF, 0x61, 0x10], &[], &[0x90], &[0x60, 0x00], &[0x12, 0x34], &[0x90, 0x00, 0x00]];
const APPS: usize = 3;

/// What has not come by then does not come.
const SOON: Duration = Duration::from_secs(10);

/// Numbers that look random and are the same every time (`SplitMix64`).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((x ^ (x >> 31)) % limit as u64).unwrap()
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    /// A command of at least two bytes: shorter ones PC/SC cannot carry.
    fn command(&mut self) -> Vec<u8> {
        let mut command = match self.below(8) {
            0..4 => select(self.one_of(&AIDS[..11]).trim_end_matches(['*', '#'])),
            4 => select("A000000476416E64726F6964484345"),
            5 => vec![0x00, 0xB0, 0x00, 0x00, 0x10],
            6 => (0..2 + self.below(30)).map(|_| u8::try_from(self.below(256)).unwrap()).collect(),
            _ => [&[0x80, 0x10, 0x00, 0x00, 0x00, 0x02, 0x00][..], &[0x5A; 512]].concat(), // extended length
        };
        match self.below(12) {
            0 => command[0] = 0x80,
            1 => command.truncate(2.max(command.len() - 2)),
            2 if command.len() > 6 => command[4] = command[4].wrapping_add(1),
            3 if command.len() > 6 => command[2] = 0x00,
            _ => {}
        }
        command
    }

    fn list(&mut self) -> Vec<&'static str> {
        (0..self.below(4)).map(|_| self.one_of(AIDS)).collect()
    }
}

/// The same mini-programs on both backends.
struct Pair<'a> {
    tap: &'a Tap,
    world: &'a World,
    ours: Vec<App>,
    theirs: Vec<App>,
    /// What was done so far, for whoever reads of a difference.
    steps: Vec<String>,
}

pub(crate) async fn the_mock_and_the_desktop_give_the_same_answers() {
    let (tap, world) = (Tap::new(), World::new(1));
    tap.hce.set_trace(None); // longer than it keeps
    let mock: Arc<dyn Hce> = world.host().hce.unwrap();
    // One that nobody selects, so that there is a card all the time.
    for anchor in [App::of(tap.hce.clone(), "anchor"), App::of(mock.clone(), "anchor")] {
        anchor.start(&["F999999999"]).await.unwrap();
    }
    tap.terminal.present().await.unwrap();
    let ours = (0..APPS).map(|app| App::of(tap.hce.clone(), &format!("app {app}"))).collect();
    let theirs = (0..APPS).map(|app| App::of(mock.clone(), &format!("app {app}"))).collect();
    let mut pair = Pair { tap: &tap, world: &world, ours, theirs, steps: Vec::new() };
    for script in 0..SCRIPTS {
        pair.steps = vec![format!("script {script}")];
        pair.play(&mut Dice(script)).await;
        pair.clean_up().await;
    }
}

impl Pair<'_> {
    async fn play(&mut self, dice: &mut Dice) {
        for app in 0..APPS {
            self.start(app, &[dice.one_of(AIDS)]).await;
        }
        for _ in 0..STEPS {
            match dice.below(12) {
                0 => self.leave().await,
                1..5 => self.program(dice).await,
                _ => self.command(dice).await,
            }
        }
    }

    /// Something that mini-programs do.
    async fn program(&mut self, dice: &mut Dice) {
        let app = dice.below(APPS);
        match dice.below(5) {
            0 => self.start(app, &dice.list()).await,
            1 => self.stop(app).await,
            _ => self.respond(app, dice.one_of(RESPONSES)).await,
        }
    }

    async fn start(&mut self, app: usize, aids: &[&str]) {
        self.steps.push(format!("app {app} starts with {aids:?}"));
        let (ours, theirs) = (self.ours[app].start(aids).await, self.theirs[app].start(aids).await);
        self.same(ours, theirs).await;
    }

    async fn stop(&mut self, app: usize) {
        self.steps.push(format!("app {app} stops"));
        let (ours, theirs) = (self.ours[app].stop().await, self.theirs[app].stop().await);
        self.same(ours, theirs).await;
    }

    async fn respond(&mut self, app: usize, response: &[u8]) {
        self.steps.push(format!("app {app} responds {response:02X?}"));
        let (ours, theirs) = (self.ours[app].answer(response).await, self.theirs[app].answer(response).await);
        self.same(ours, theirs).await;
    }

    async fn same(&mut self, ours: Result<()>, theirs: Result<()>) {
        let text = |answer: Result<()>| answer.map_err(|error| (error.code(), error.to_string()));
        assert_eq!(text(ours), text(theirs), "the desktop, and the mock, after {:#?}", self.steps);
        self.same_messages().await;
    }

    /// Everything the mock's mini-programs have heard must be heard on the desktop, in this order, and nothing else.
    async fn same_messages(&mut self) {
        for (app, (ours, theirs)) in self.ours.iter_mut().zip(&mut self.theirs).enumerate() {
            for message in theirs.has_heard() {
                let heard = timeout(SOON, ours.hears()).await;
                assert_eq!(heard, Ok(message), "app {app} on the desktop, and on the mock, after {:#?}", self.steps);
            }
            assert_eq!(ours.has_heard(), [], "app {app} heard this on the desktop only, after {:#?}", self.steps);
        }
    }

    /// The reader takes the card's power away.
    async fn leave(&mut self) {
        self.steps.push("the reader leaves".to_owned());
        self.world.reader().leave();
        self.tap.terminal.unpower().await.unwrap();
        self.same_messages().await;
    }

    /// The reader sends a command; while it waits, the mini-programs do this and that.
    async fn command(&mut self, dice: &mut Dice) {
        let command = dice.command();
        self.steps.push(format!("the reader sends {command:02X?}"));
        let mut theirs = pin!(self.world.reader().transceive(&command));
        let mut ours = pin!(self.tap.terminal.transmit(&command));
        let mut answer = (&mut theirs).now_or_never();
        let mut got = (&mut ours).now_or_never();
        self.same_messages().await;
        for _ in 0..dice.below(4) {
            if answer.is_none() {
                self.program(dice).await;
                answer = (&mut theirs).now_or_never();
            }
        }
        for app in 0..APPS {
            if answer.is_none() {
                self.respond(app, OK).await;
                answer = (&mut theirs).now_or_never();
            }
        }
        let answer = answer.unwrap_or_else(|| panic!("nobody owed the mock's reader an answer after {:#?}", self.steps));
        if got.is_none() {
            got = timeout(SOON, ours).await.ok();
        }
        let got = got.flatten();
        assert_eq!(got.as_deref(), answer.as_deref(), "the desktop's reader, and the mock's, after {:#?}", self.steps);
        self.same_messages().await;
    }

    async fn clean_up(&mut self) {
        for app in 0..APPS {
            self.stop(app).await;
        }
        self.leave().await;
    }
}
