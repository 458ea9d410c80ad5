# SPDX-License-Identifier: EUPL-1.2
"""Which operations a whole run need not have done, and why. One that is not named here and was not done fails the run;
so does one that was done all the same, and then its line can go."""

# Nobody is in a room without a connection of their own. In the tests of signaling somebody is.
LIVE = "somebody has to be in the room: see `signaling/tests/front_door/"

# Nobody calls.
CALL = "somebody has to call: see `signaling/tests/front_door/phone.rs`"

# Nobody is called.
DIAL = "somebody has to be called: see `signaling/tests/front_door/dial_out.rs`"

EXCEPTIONS = {
    "GET /phone/calls/{call_id}": CALL,
    "DELETE /phone/calls/{call_id}": CALL,
    "POST /meeting_sessions/{session_id}/phone_calls": DIAL,
    "GET /meeting_sessions/{session_id}/phone_calls/{call_id}": DIAL,
    "DELETE /meeting_sessions/{session_id}/phone_calls/{call_id}": DIAL,
    "POST /phone/trunks/{trunk_id}/test_calls": DIAL,
    "GET /phone/trunks/{trunk_id}/test_calls/{call_id}": DIAL,
    "POST /meeting_sessions/{session_id}/move": f"{LIVE}meetings_rules.rs`",
    "POST /meeting_sessions/{session_id}/permit": f"{LIVE}meetings_live.rs`",
    "POST /meeting_sessions/{session_id}/rename": f"{LIVE}meetings_live.rs`",
    "POST /meeting_sessions/{session_id}/unmute_request": f"{LIVE}meetings_live.rs`",
}
