// SPDX-License-Identifier: EUPL-1.2
//! Links by which telephones dial all that is asked for: the number, the meeting's, and the PIN. Commas are pauses. The key `#` is
//! escaped, because telephones take what stands behind a bare one for no part of the number (RFC 3966 §3).

/// The link for a number. Where there is no PIN, the key alone answers the question for one.
pub(crate) fn one_tap(e164: &str, conference_id: &str, pin: Option<&str>) -> String {
    format!("tel:{e164},,{conference_id}%23,,{}%23", pin.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_answers_every_question_also_without_a_pin() {
        let link = |pin| one_tap("+4930123456", "4815162342", pin);
        assert_eq!(link(Some("481516")), "tel:+4930123456,,4815162342%23,,481516%23");
        assert_eq!(link(None), "tel:+4930123456,,4815162342%23,,%23");
    }
}
