// SPDX-License-Identifier: EUPL-1.2
//! RTP as the core uses it (RFC 3550 §5, header extensions RFC 8285): a view of what arrived, and the header of what
//! is sent. Decryption happened before, encryption comes after.

pub mod extensions;
pub mod packet;
pub mod rtp_time;
pub mod seq_no;
