// SPDX-License-Identifier: EUPL-1.2
//! Bodies in JSON or protobuf, as the content type says.

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use prost::Message;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::{Code, TwirpError};

/// How bodies are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Protobuf,
}

impl Format {
    /// The format of a request, which the answer has too.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, TwirpError> {
        let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        if essence.eq_ignore_ascii_case("application/json") {
            Ok(Self::Json)
        } else if essence.eq_ignore_ascii_case("application/protobuf") {
            Ok(Self::Protobuf)
        } else {
            Err(TwirpError::new(Code::BadRoute, "unexpected Content-Type"))
        }
    }

    pub(super) fn read<T: Message + Default + DeserializeOwned>(self, body: &Bytes) -> Result<T, TwirpError> {
        match self {
            Self::Json => serde_json::from_slice(body)
                .map_err(|_| TwirpError::new(Code::Malformed, "the json request could not be decoded")),
            Self::Protobuf => T::decode(body.clone())
                .map_err(|_| TwirpError::new(Code::Malformed, "the protobuf request could not be decoded")),
        }
    }

    pub(super) fn write<T: Message + Serialize>(self, answer: &T) -> Result<Response, TwirpError> {
        let (content_type, body) = match self {
            Self::Json => {
                let body = serde_json::to_vec(answer)
                    .map_err(|_| TwirpError::new(Code::Internal, "the answer could not be written"))?;
                ("application/json", body)
            }
            Self::Protobuf => ("application/protobuf", answer.encode_to_vec()),
        };
        Ok(([(header::CONTENT_TYPE, HeaderValue::from_static(content_type))], body).into_response())
    }
}
