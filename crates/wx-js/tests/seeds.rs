//! The example code of the official pages, as it stands there but for its gaps (`....`) and one missing comma.
#![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

mod common;

use common::{builder, cx, run_in, says_in, seed};
use wx_api::{Cx, Scope};
use wx_js::Fault;
use wx_mock::{Choice, Touch, World};

/// The examples ran under callbacks alone; they must run where there are promises, too.
fn ages() -> [Cx; 2] {
    [seed(), cx()]
}

#[test]
fn login_in_on_launch() {
    let script = "
    //app.js
    App({
      onLaunch: function() {
        wx.login({
          success: function(res) {
            if (res.code) {
              //发起网络请求
              wx.request({
                url: 'https://test.com/onLogin',
                data: {
                  code: res.code
                }
              })
            } else {
              console.log('获取用户登录态失败！' + res.errMsg)
            }
          }
        });
      }
    })";
    for age in ages() {
        // The page calls an API of a domain that is not in the contract yet.
        let (result, said) = run_in(&World::new(7), age.clone(), script);
        let Err(Fault::Uncaught(uncaught)) = result else { panic!("{result:?}") };
        assert_eq!(uncaught.message, "TypeError: not a function", "{said:?}");
        // The engine places a call at the last of its arguments.
        assert_eq!(uncaught.location.unwrap().line, 12);
        let with_request = format!("wx.request = options => console.log(options.url, typeof options.data.code);\n{script}");
        assert_eq!(says_in(&World::new(7), age, &with_request), ["https://test.com/onLogin string"]);
    }
}

#[test]
fn check_session_and_log_in_again() {
    let script = "
    wx.checkSession({
      success: function(){
        //session_key 未过期，并且在本生命周期一直有效
        console.log('alive')
      },
      fail: function(){
        // session_key 已经失效，需要重新执行登录流程
        wx.login() //重新登录
        console.log('again')
      }
    })";
    for age in ages() {
        let world = World::new(7);
        assert_eq!(says_in(&world, age.clone(), script), ["again"]);
        assert_eq!(says_in(&world, age, script), ["alive"]);
    }
}

#[test]
fn authorize_after_get_setting() {
    let script = "
    // 可以通过 wx.getSetting 先查询一下用户是否授权了 \"scope.record\" 这个 scope
    wx.startRecord = () => console.log('recording')
    wx.getSetting({
        success(res) {
            if (!res.authSetting['scope.record']) {
                wx.authorize({
                    scope: 'scope.record',
                    success() {
                        // 用户已经同意小程序使用录音功能，后续调用 wx.startRecord 接口不会弹窗询问
                        wx.startRecord()
                    }
                })
            }
        }
    })";
    for age in ages() {
        let world = World::new(7);
        assert_eq!(says_in(&world, age.clone(), script), ["recording"]);
        assert_eq!(world.user().prompts().len(), 1);
        world.user().answer(Scope::Record, Choice::Deny);
        assert!(says_in(&world, age, script).is_empty());
    }
}

#[test]
fn start_soter_authentication() {
    let script = "
    wx.startSoterAuthentication({
      requestAuthModes: ['fingerPrint'],
      challenge: '123456',
      authContent: '请用指纹解锁',
      success(res) {
        console.log(res.errCode, res.authMode, JSON.parse(res.resultJSON).raw, res.resultJSONSignature.length)
      }
    })";
    for age in ages() {
        let world = World::new(7);
        world.finger().touch(Touch::Match);
        assert_eq!(says_in(&world, age, script), ["0 fingerPrint 123456 344"]);
    }
}

#[test]
fn user_info_has_what_a_server_checks() {
    let script = "wx.getUserInfo({ withCredentials: true, success(res) {
        console.log(JSON.parse(res.rawData).nickName, res.signature.length, typeof res.encryptedData, res.userInfo.nickName)
    }, fail(res) { console.log(res.errMsg) } })";
    for age in ages() {
        let script = format!("wx.login({{ success() {{ {script} }} }})");
        assert_eq!(says_in(&World::new(7), age, &script), ["Band 40 string Band"]);
    }
}

#[test]
fn hce_state_start_and_stop() {
    let script = "
    wx.getHCEState({
      success: function(res) {
        console.log(res.errCode)
        wx.startHCE({
          aid_list: ['F222222222'],
          success: function(res) {
            console.log(res.errMsg)
            wx.stopHCE({
              success: function(res) {
                console.log(res.errMsg)
              }
            })
          }
        })
      }
    })";
    for age in ages() {
        assert_eq!(says_in(&World::new(7), age, script), ["0", "startHCE:ok", "stopHCE:ok"]);
    }
}

#[test]
fn hce_messages() {
    // The page answers with a single byte, which its own error list calls illegal: the reader hears nothing.
    let script = "
    const buffer = new ArrayBuffer(1)
    const dataView = new DataView(buffer)
    dataView.setUint8(0, 0)

    wx.startHCE({
      aid_list: ['F222222222'],
      success: function(res) {
        wx.onHCEMessage(function(res) {
          if (res.messageType === 1) {
            wx.sendHCEMessage({data: buffer, fail(res) { console.log(res.errCode) }})
          }
        })
      }
    })";
    for age in ages() {
        let world = World::new(7);
        let (builder, lines) = builder(&world, age);
        let mut engine = builder.while_listening().build().unwrap();
        common::block_on(async {
            let select = [&[0x00, 0xa4, 0x04, 0x00, 0x05][..], &[0xf2, 0x22, 0x22, 0x22, 0x22], &[0x00]].concat();
            // Until the script has started, there is no card; then there is one that never answers.
            let reader = async {
                while world.reader().transceive(&select).await.is_none() {
                    tokio::task::yield_now().await;
                }
            };
            let said = async {
                while lines.is_empty() {
                    tokio::task::yield_now().await;
                }
            };
            tokio::select! {
                result = engine.run_source("app.js", script) => panic!("{result:?}"),
                () = reader => panic!("an answer of one byte reached the reader"),
                () = said => {}
            }
        });
        assert_eq!(lines.take(), ["13005"]);
    }
}
