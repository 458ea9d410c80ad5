// SPDX-License-Identifier: EUPL-1.2
//! A telephone, as a bridge shows it to the service: each call has a line of its own.

use std::net::Ipv4Addr;

use bus::phone::{
    BridgeLine, CheckToken, DialOrder, DialProgress, Digits, IncomingCall, MeetingEvent, OutgoingCall, PhoneNotice,
    PhoneRequest, RoomStatus, Verdict, WaitReason,
};

use serde_json::json;
use store::testing::TestStore;

use super::{Server, soon};

/// The trunk of the tests, and the number that is called by it.
pub(crate) const TRUNK: &str = "provider";
pub(crate) const NUMBER: &str = "+4930900";

/// Makes the trunk, the number, and another one that leads to one meeting and speaks English.
pub(crate) async fn connect(database: &TestStore, direct: (&str, &str)) {
    let trunk = json!({ "id": TRUNK, "is_enabled": true, "trusts_caller_ids": true, "networks": "[]", "dial_plan": "{}",
        "destinations": "[]" });
    let number = json!({ "id": "0190c0de-0000-7000-8000-0000000000a1", "number": NUMBER, "is_for_all": true,
        "languages": "[]" });
    let (called, conference_id) = direct;
    let direct = json!({ "id": "0190c0de-0000-7000-8000-0000000000a2", "number": called, "is_for_all": true,
        "languages": "[\"en\"]", "direct": conference_id });
    database.insert_all([("phone_trunks", trunk), ("phone_numbers", number), ("phone_numbers", direct)]).await;
}

/// Somebody's call.
pub(crate) struct Phone {
    line: BridgeLine,
    last_check: u32,
    /// As which tenants the bridge was told to speak.
    pub(crate) tenants: Vec<String>,
}

/// Digits that are keyed in.
fn keyed(text: &str) -> Digits {
    let mut digits = Digits::new();
    text.chars().for_each(|digit| digits.push(digit));
    digits
}

impl Phone {
    /// Calls a number, and reads the first notice.
    pub(crate) async fn call(server: &Server, called: &str, caller: &str) -> (Self, PhoneNotice) {
        Self::call_at(server, 0, called, caller).await
    }

    /// The same with that bridge.
    pub(crate) async fn call_at(server: &Server, bridge: u16, called: &str, caller: &str) -> (Self, PhoneNotice) {
        let call = IncomingCall {
            bridge,
            trunk: TRUNK.to_owned(),
            peer: Ipv4Addr::new(192, 0, 2, 1).into(),
            called: called.to_owned(),
            caller: Some(caller.to_owned()),
            is_withheld: false,
            call_id: "1@192.0.2.1".to_owned(),
        };
        let (line, end) = bus::phone::line(call);
        soon(server.phone_desk.send(end)).await.expect("a desk");
        let mut phone = Self { line, last_check: 0, tenants: Vec::new() };
        let first = phone.notice().await;
        (phone, first)
    }

    /// Calls the usual number, which is answered.
    pub(crate) async fn dial(server: &Server, caller: &str) -> Self {
        let (phone, first) = Self::call(server, NUMBER, caller).await;
        assert!(matches!(first, PhoneNotice::Begun(_)), "{first:?}");
        phone
    }

    /// Takes up the next call that is to be made, as a bridge does.
    pub(crate) async fn called(server: &Server) -> (Self, OutgoingCall) {
        let order = soon(async { server.dials.lock().await.recv().await }).await;
        let DialOrder { call, line } = order.expect("somebody orders");
        (Self { line, last_check: 0, tenants: Vec::new() }, call)
    }

    /// Says how a call goes on that is made.
    pub(crate) async fn progress(&self, progress: DialProgress) {
        self.ask(PhoneRequest::Progress(progress)).await;
    }

    /// The next notice. As which tenant to speak is only noted.
    pub(crate) async fn notice(&mut self) -> PhoneNotice {
        loop {
            match soon(self.line.notices.recv()).await.expect("the call goes on") {
                PhoneNotice::Tenant(slug) => self.tenants.push(slug),
                notice => return notice,
            }
        }
    }

    /// The next verdict, which is about the last check.
    pub(crate) async fn verdict(&mut self) -> Verdict {
        match self.notice().await {
            PhoneNotice::Verdict { check, verdict } => {
                assert_eq!(check, CheckToken(self.last_check));
                verdict
            }
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn ask(&self, request: PhoneRequest) {
        soon(self.line.requests.send(request)).await.expect("the call goes on");
    }

    fn next_check(&mut self) -> CheckToken {
        self.last_check += 1;
        CheckToken(self.last_check)
    }

    pub(crate) async fn room(&mut self) -> Verdict {
        let check = self.next_check();
        self.ask(PhoneRequest::CheckRoom { check }).await;
        self.verdict().await
    }

    pub(crate) async fn id(&mut self, digits: &str) -> Verdict {
        let check = self.next_check();
        self.ask(PhoneRequest::CheckId { check, digits: keyed(digits) }).await;
        self.verdict().await
    }

    pub(crate) async fn pin(&mut self, digits: &str) -> Verdict {
        self.key_pin(digits).await;
        self.verdict().await
    }

    /// Keys in a PIN, and leaves what follows to whoever reads it.
    pub(crate) async fn key_pin(&mut self, digits: &str) {
        let check = self.next_check();
        self.ask(PhoneRequest::CheckPin { check, digits: Some(keyed(digits)) }).await;
    }

    /// Keys in a meeting's number and a PIN.
    pub(crate) async fn enter(&mut self, id: &str, pin: &str) -> Verdict {
        let asked = self.id(id).await;
        assert!(matches!(asked, Verdict::AskPin { .. }), "{asked:?}");
        self.pin(pin).await
    }

    /// Hangs up, and waits until all is written down.
    pub(crate) async fn hang_up(self) {
        let BridgeLine { requests, mut notices } = self.line;
        drop(requests);
        while soon(notices.recv()).await.is_some() {}
    }

    /// Comes in, once let in. How it is in the room then.
    pub(crate) async fn arrive(&mut self) -> RoomStatus {
        self.ask(PhoneRequest::Join).await;
        let status = match self.notice().await {
            PhoneNotice::Event(MeetingEvent::Arrived(status)) => status,
            other => panic!("{other:?}"),
        };
        let connected = self.notice().await;
        assert!(matches!(connected, PhoneNotice::Connected { .. }), "{connected:?}");
        status
    }

    /// Whether the line has ended.
    pub(crate) async fn ended(mut self) {
        assert_eq!(soon(self.line.notices.recv()).await, None);
    }
}

/// What somebody hears who waits in the lobby.
pub(crate) const fn place(position: u16) -> Verdict {
    Verdict::Wait(WaitReason::Lobby { position: Some(position) })
}
