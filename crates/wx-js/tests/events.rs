//! Listeners, and binary data both ways.
#![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

mod common;

use std::{cell::RefCell, rc::Rc};

use bytes::Bytes;
use common::{block_on, builder, cx};
use wx_js::Fault;
use wx_mock::World;

const AID: [u8; 5] = [0xf2, 0x22, 0x22, 0x22, 0x22];

fn select() -> Vec<u8> {
    [&[0x00, 0xa4, 0x04, 0x00, 0x05][..], &AID, &[0x00]].concat()
}

/// Runs a script that emulates a card while a reader sends these commands, and then leaves.
fn at_the_reader(script: &str, commands: &[Vec<u8>]) -> (Vec<Option<Bytes>>, Vec<String>) {
    let world = World::new(7);
    let (builder, lines) = builder(&world, cx());
    let (reader, wanted, answers) = (world.clone(), commands.to_vec(), Rc::new(RefCell::new(Vec::new())));
    let heard = answers.clone();
    let mut engine = builder
        .async_function("ready", move |(): ()| {
            let (reader, wanted, heard) = (reader.clone(), wanted.clone(), heard.clone());
            async move {
                for command in wanted {
                    let answer = reader.reader().transceive(&command).await;
                    heard.borrow_mut().push(answer);
                }
                reader.reader().leave();
                Ok(())
            }
        })
        .build()
        .unwrap();
    let script = format!("{script}\n wx.startHCE({{ aid_list: ['F222222222'] }}).then(ready)");
    let result = block_on(engine.run_source("app.js", &script));
    let said = lines.take();
    assert_eq!(result, Ok(()), "{said:?}");
    (answers.take(), said)
}

#[test]
fn a_command_and_its_answer_are_array_buffers() {
    let script = "
        wx.onHCEMessage(res => {
          console.log(res.messageType, res.data instanceof ArrayBuffer, res.data?.byteLength, res.reason);
          if (res.messageType !== 1) return;
          const command = new Uint8Array(res.data);
          const answer = new Uint8Array(command.length + 2);
          answer.set(command); answer[command.length] = 0x90;
          wx.sendHCEMessage({ data: answer.buffer, fail(res) { console.log(res.errMsg) } });
        });";
    let commands: Vec<Vec<u8>> = vec![select(), (0..=255).collect(), vec![1, 2, 3, 4, 5], vec![0xff; 8]];
    let (answers, said) = at_the_reader(script, &commands);
    for (command, answer) in commands.iter().zip(&answers) {
        assert_eq!(answer.as_deref(), Some(&[&command[..], &[0x90, 0x00]].concat()[..]));
    }
    assert_eq!(answers.len(), 4);
    assert_eq!(
        said,
        ["1 true 11 undefined", "1 true 256 undefined", "1 true 5 undefined", "1 true 8 undefined", "2 false undefined 0"]
    );
}

#[test]
fn a_long_answer_passes_whole() {
    let script = "
        wx.onHCEMessage(res => {
          if (res.messageType !== 1) return;
          const answer = new Uint8Array(65535);
          for (let i = 0; i < answer.length; i++) answer[i] = i * 7;
          answer[65533] = 0x90; answer[65534] = 0;
          wx.sendHCEMessage({ data: answer.buffer });
        });";
    let (answers, _) = at_the_reader(script, &[select()]);
    let answer = answers[0].as_ref().unwrap();
    assert_eq!(answer.len(), 65535);
    assert!(answer[..65533].iter().enumerate().all(|(i, &byte)| usize::from(byte) == i * 7 % 256));
}

#[test]
fn every_listener_hears_with_an_object_of_its_own_and_one_that_throws_stops_none() {
    let world = World::new(7);
    let (builder, lines) = builder(&world, cx());
    let reader = world.clone();
    let mut engine = builder
        .async_function("select", move |(): ()| {
            let reader = reader.clone();
            async move { Ok(reader.reader().transceive(&select()).await.is_some()) }
        })
        .build()
        .unwrap();
    let script = "
        const [seen, answer] = [new Set(), new Uint8Array([0x90, 0]).buffer];
        const twice = res => { seen.add(res); console.log('twice') };
        wx.onHCEMessage(res => { seen.add(res); res.messageType = 7; throw new Error('mine') });
        wx.onHCEMessage(twice); wx.onHCEMessage(twice);
        wx.onHCEMessage(res => { seen.add(res); console.log(res.messageType, seen.size); wx.sendHCEMessage({ data: answer }) });
        wx.startHCE({ aid_list: ['F222222222'] }).then(select).then(console.log)";
    let result = block_on(engine.run_source("app.js", script));
    assert!(matches!(result, Err(Fault::Uncaught(_))));
    assert_eq!(lines.take(), ["E Uncaught app.js:4:80: Error: mine", "twice", "1 3", "true"]);
}

#[test]
fn off_takes_one_listener_or_all() {
    for (off, said) in [
        ("wx.offHCEMessage(a)", "b"),
        ("wx.offHCEMessage(b)", "a"),
        ("wx.offHCEMessage()", ""),
        ("wx.offHCEMessage(undefined)", ""),
        ("wx.offHCEMessage(() => {})", "ab"),
        ("wx.offHCEMessage({})", "ab"),
        ("wx.offHCEMessage(a); wx.offHCEMessage(b); wx.offHCEMessage(b)", ""),
        ("wx.offHCEMessage(); wx.onHCEMessage(b)", "b"),
    ] {
        let world = World::new(7);
        let (builder, lines) = builder(&world, cx());
        let reader = world.clone();
        let mut engine = builder
            .async_function("leave", move |(): ()| {
                let reader = reader.clone();
                async move {
                    // The field must have been there for its loss to be an event.
                    let _ = futures_util::FutureExt::now_or_never(reader.reader().transceive(&select()));
                    reader.reader().leave();
                    Ok(())
                }
            })
            .build()
            .unwrap();
        let script = format!(
            "let heard = '';
             const a = res => {{ if (res.messageType === 2) heard += 'a' }}, b = res => {{ if (res.messageType === 2) heard += 'b' }};
             wx.onHCEMessage(a); wx.onHCEMessage(b); {off};
             wx.startHCE({{ aid_list: ['F222222222'] }}).then(async () => {{
               await leave();
               for (let i = 0; i < 10; i++) await wx.getHCEState(); // the events come meanwhile
               console.log(heard);
             }})"
        );
        assert_eq!(block_on(engine.run_source("app.js", &script)), Ok(()));
        assert_eq!(lines.take(), [said], "{off}");
    }
}

#[test]
fn a_listener_may_leave_while_it_is_told() {
    let said =
        common::says("const f = () => {}; wx.onHCEMessage(f); wx.offHCEMessage(f); wx.offHCEMessage(f); console.log('fine')");
    assert_eq!(said, ["fine"]);
}

#[test]
fn what_is_no_listener_is_told_to_the_console() {
    assert_eq!(
        common::says("wx.onHCEMessage(); wx.onHCEMessage({})"),
        [
            "E onHCEMessage:fail parameter error: parameter should be Function instead of Undefined;",
            "E onHCEMessage:fail parameter error: parameter should be Function instead of Object;"
        ]
    );
}

#[test]
fn an_event_that_the_backend_does_not_have_is_told_to_the_console() {
    let lines = common::Lines::default();
    let wx = wx_host::Wx::builder(wx_api::Host::default()).build();
    let mut engine = wx_js::Engine::builder(wx, cx()).console(lines.sink()).build().unwrap();
    let script = "wx.onHCEMessage(() => {}); wx.login().catch(res => console.log(res.errMsg, wx.canIUse('login')))";
    assert_eq!(block_on(engine.run_source("app.js", script)), Ok(()));
    assert_eq!(lines.take(), ["E onHCEMessage:fail not supported", "login:fail not supported false"]);
}

#[test]
fn listeners_alone_keep_a_script_running_only_if_they_count() {
    assert_eq!(common::says("wx.onHCEMessage(() => {}); console.log('begun')"), ["begun"]);
    let world = World::new(7);
    let (builder, lines) = builder(&world, cx());
    let mut engine = builder.while_listening().build().unwrap();
    let script = "wx.onHCEMessage(() => {}); setTimeout(() => { wx.offHCEMessage(); console.log('off') }, 1000)";
    block_on(async {
        let begun = futures_util::FutureExt::now_or_never(engine.run_source("app.js", script));
        assert_eq!(begun, None);
        world.clock().advance(std::time::Duration::from_secs(1));
        assert_eq!(engine.idle().await, Ok(()));
    });
    assert_eq!(lines.take(), ["off"]);
}
