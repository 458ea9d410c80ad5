// SPDX-License-Identifier: EUPL-1.2
//! Who somebody is in a meeting who comes by telephone: what their PIN says, and by what the others see them.

use store::Tx;

use super::person::{self, Person};
use super::venue::Venue;
use crate::api::language::Language;
use crate::api::problem::{Code, Problem};
use crate::meeting_sessions::live;
use crate::meeting_sessions::model::{Marks, MeetingRole};
use crate::meetings::policies::rules::Rules;
use crate::meetings::{invitees, tenant};
use crate::phone::caller_number::{CallerNumber, E164};
use crate::phone::words;
use crate::phone::{Called, Known, Who};
use crate::rooms::caller_rule::CallerFacts;

/// Somebody who keyed in what is right.
#[derive(Clone, Debug)]
pub(crate) struct PhoneCaller {
    /// What their digits say of them.
    pub(crate) known: Known,
    /// Their PIN is right and one person's, and does not say who they are: while PINs are being guessed it proves nothing.
    pub(crate) is_unproven: bool,
    pub(crate) number: CallerNumber,
    /// An HMAC of the number, or something of this call alone where there is none.
    pub(crate) mark: String,
    /// By what they are known in the meeting: of this call alone.
    pub(crate) call: String,
    /// The number that is known for a while once they are in.
    pub(crate) remembered: Option<E164>,
}

/// Who somebody is in a meeting who is known in it by that alone. With a browser they are somebody else: many look at a meeting
/// there and listen by telephone.
pub(crate) fn identity(call: &str) -> String {
    format!("p_{call}")
}

/// By which of their marks somebody is kept out of a meeting. A telephone that a moderator called as their own has the marks of
/// their account and invitation as well, but may be anybody's, and nobody is to be shut out for who has answered there: it is
/// known by its number alone.
pub(crate) fn marks_to_ban(identity: &str, marks: &Marks) -> Marks {
    let came_by_pin = marks.invitee_id.is_some_and(|id| self::identity(&id.to_string()) == identity);
    match &marks.caller {
        Some(caller) if !came_by_pin => Marks { caller: Some(caller.clone()), ..Marks::default() },
        _ => marks.clone(),
    }
}

/// Finds out who it is at that venue, under these rules, and what is known of them under any.
pub(super) async fn find(
    tx: &mut Tx,
    venue: &Venue,
    rules: &Rules,
    caller: &PhoneCaller,
) -> Result<(Person, CallerFacts), Problem> {
    let tenant = tenant::find(tx, venue.tenant_id()).await?;
    let facts = facts(caller, tenant.map(|tenant| tenant.language).unwrap_or_default());
    let person = person(tx, venue, live::caller_rule(rules).kept_name(&facts), caller).await?;
    Ok((person, facts))
}

async fn person(tx: &mut Tx, venue: &Venue, name: String, caller: &PhoneCaller) -> Result<Person, Problem> {
    let identity = identity(&caller.call);
    let marks = Marks { caller: Some(caller.mark.clone()), ..Marks::default() };
    let role = match caller.known.who {
        Who::Invitee(id) => {
            let Venue::Meeting(meeting) = venue else { return Err(Code::LinkRevoked.into()) };
            let invitee = invitees::table::find(tx, meeting.id, id).await?;
            // Their invitation may have been withdrawn since.
            let invitee = invitee.filter(|invitee| invitee.revoked_at.is_none()).ok_or(Code::LinkRevoked)?;
            let invited = person::of_invitee(tx, invitee, &name).await?;
            let marks = Marks { caller: marks.caller, ..invited.marks };
            return Ok(Person { identity: self::identity(&id.to_string()), marks, name, ..invited });
        }
        Who::Called(Called { user_id: None, invitee_id: None, .. }) | Who::Room => MeetingRole::Guest,
        Who::Called(Called { user_id, invitee_id, .. }) => {
            let marks = Marks { user_id, invitee_id, ..marks };
            let role = MeetingRole::Guest;
            let called = Person { identity, marks, name, role, lobby_bypass: true, acr: None };
            // Their account may be disabled by now, and their invitation withdrawn. That somebody has answered there proves nothing:
            // behind a wrong number is a stranger, who must not host.
            let role = person::again(tx, venue, &called).await?.role.without_hosting();
            return Ok(Person { role, ..called });
        }
        Who::Host => MeetingRole::Host,
    };
    Ok(Person { identity, marks, name, role, lobby_bypass: false, acr: None })
}

/// What is known of somebody who calls.
fn facts(caller: &PhoneCaller, language: Language) -> CallerFacts {
    let is_given = matches!(caller.known.who, Who::Called(Called { is_named: true, .. }));
    let name = caller.known.name.clone();
    let (given, known) = if is_given { (name, None) } else { (None, name) };
    let number = caller.number.told().map(|number| number.as_str().to_owned());
    CallerFacts { given, known, number, anybody: words::telephone(language).to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::ids::{InviteeId, MeetingId, UserId};
    use crate::meetings::phone_pins::model::Place;
    use crate::phone::caller_number::DialPlan;
    use crate::rooms::caller_rule::CallerRule;

    #[test]
    fn who_answers_elsewhere_is_kept_out_by_the_number_alone() {
        let (user_id, invitee_id) = (Some(UserId::new()), InviteeId::new());
        let browser = Marks { user_id, invitee_id: Some(invitee_id), ..Marks::default() };
        assert_eq!(marks_to_ban("u_1", &browser), browser);
        let telephone = Marks { caller: Some("c".into()), ..browser };
        assert_eq!(
            marks_to_ban(&identity(&invitee_id.to_string()), &telephone),
            telephone,
            "their PIN says who they are"
        );
        let number = Marks { caller: Some("c".into()), ..Marks::default() };
        assert_eq!(marks_to_ban(&identity("number"), &telephone), number);
        assert_eq!(marks_to_ban(&identity("number"), &number), number);
    }

    #[test]
    fn the_policy_says_what_a_caller_is_called() {
        let check = |who: Who, number: &str, name: Option<&str>, expected: [&str; 4]| {
            let known =
                Known { place: Place::Meeting(MeetingId::new()), who, waits: true, name: name.map(str::to_owned) };
            let number = CallerNumber::read(number, false, &DialPlan::default());
            let caller =
                PhoneCaller { known, is_unproven: false, number, mark: "m".into(), call: "c".into(), remembered: None };
            use CallerRule as R;
            let facts = facts(&caller, Language::En);
            let shown = [R::Number, R::Name, R::Masked, R::Hidden].map(|rule| rule.name_of(&facts));
            assert_eq!(shown, expected);
        };
        check(Who::Room, "+4930123456", Some("Ann"), ["Ann", "Ann", "Telephone …456", "Telephone"]);
        let masked = "Telephone …456";
        check(Who::Room, "+4930123456", None, ["Telephone +4930123456", masked, masked, "Telephone"]);
        check(Who::Room, "anonymous", None, ["Telephone"; 4]);
        let called = |is_named| Who::Called(Called { is_named, ..Called::default() });
        check(called(true), "+4930123456", Some("Ann"), ["Ann"; 4]);
        check(called(false), "+4930123456", Some("Ann"), ["Ann", "Ann", "Telephone …456", "Telephone"]);
    }
}
