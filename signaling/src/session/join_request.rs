// SPDX-License-Identifier: EUPL-1.2
//! The `join_request` parameter: base64url of a `WrappedJoinRequest`, whose content may be packed with gzip (RFC 1952).

use std::io::Read as _;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use flate2::read::GzDecoder;
use livekit_protocol::wrapped_join_request::Compression;
use livekit_protocol::{JoinRequest, WrappedJoinRequest};
use prost::Message as _;
use thiserror::Error;

/// Longest join request after unpacking; a browser's has about 20 kB. LiveKit's figure.
const MAX_JOIN_REQUEST_BYTES: usize = 1024 * 1024;

/// With or without padding: SDKs differ.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The parameter is no join request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(super) enum BadJoinRequest {
    #[error("missing join_request")]
    Missing,
    #[error("join_request is not base64")]
    Base64,
    #[error("join_request is not valid")]
    Message,
    #[error("join_request cannot be decompressed")]
    Compression,
    #[error("join_request is too large")]
    TooLarge,
}

/// Reads the parameter.
pub(super) fn parse(parameter: &str) -> Result<JoinRequest, BadJoinRequest> {
    if parameter.is_empty() {
        return Err(BadJoinRequest::Missing);
    }
    let wrapped = BASE64.decode(parameter).map_err(|_| BadJoinRequest::Base64)?;
    let wrapped = WrappedJoinRequest::decode(&*wrapped).map_err(|_| BadJoinRequest::Message)?;
    let request = match Compression::try_from(wrapped.compression) {
        Ok(Compression::None) => wrapped.join_request,
        Ok(Compression::Gzip) => unpack(&wrapped.join_request)?,
        Err(_) => return Err(BadJoinRequest::Compression),
    };
    JoinRequest::decode(&*request).map_err(|_| BadJoinRequest::Message)
}

/// A few bytes may unpack to gigabytes: stops at the limit.
fn unpack(packed: &[u8]) -> Result<Vec<u8>, BadJoinRequest> {
    let mut unpacked = Vec::new();
    let mut decoder = GzDecoder::new(packed).take(MAX_JOIN_REQUEST_BYTES as u64 + 1);
    decoder.read_to_end(&mut unpacked).map_err(|_| BadJoinRequest::Compression)?;
    if unpacked.len() > MAX_JOIN_REQUEST_BYTES { Err(BadJoinRequest::TooLarge) } else { Ok(unpacked) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::prelude::{BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD};
    use flate2::Compression as Level;
    use flate2::write::GzEncoder;
    use std::io::Write as _;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Level::best());
        encoder.write_all(bytes).expect("written to memory");
        encoder.finish().expect("written to memory")
    }

    fn wrap(compression: i32, join_request: Vec<u8>) -> Vec<u8> {
        WrappedJoinRequest { compression, join_request }.encode_to_vec()
    }

    fn request() -> JoinRequest {
        JoinRequest { metadata: "m?>~".into(), reconnect: true, ..JoinRequest::default() }
    }

    #[test]
    fn every_way_of_writing_it_is_read() {
        let plain = wrap(0, request().encode_to_vec());
        let packed = wrap(1, gzip(&request().encode_to_vec()));
        for wrapped in [plain, packed] {
            assert_eq!(parse(&BASE64_URL_SAFE.encode(&wrapped)), Ok(request()));
            assert_eq!(parse(&BASE64_URL_SAFE_NO_PAD.encode(&wrapped)), Ok(request()));
        }
    }

    #[test]
    fn a_bomb_does_not_go_off() {
        let bomb = gzip(&vec![0; 100 * MAX_JOIN_REQUEST_BYTES]);
        assert!(bomb.len() < 200_000);
        assert_eq!(parse(&BASE64_URL_SAFE.encode(wrap(1, bomb))), Err(BadJoinRequest::TooLarge));
    }

    #[test]
    fn nonsense_is_refused() {
        assert_eq!(parse(""), Err(BadJoinRequest::Missing));
        assert_eq!(parse("not base64!"), Err(BadJoinRequest::Base64));
        assert_eq!(parse("____"), Err(BadJoinRequest::Message));
        assert_eq!(parse(&BASE64_URL_SAFE.encode(wrap(7, Vec::new()))), Err(BadJoinRequest::Compression));
        assert_eq!(parse(&BASE64_URL_SAFE.encode(wrap(1, vec![1, 2, 3]))), Err(BadJoinRequest::Compression));
        assert_eq!(parse(&BASE64_URL_SAFE.encode(wrap(0, vec![0xff; 9]))), Err(BadJoinRequest::Message));
    }
}
