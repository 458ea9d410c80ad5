// SPDX-License-Identifier: EUPL-1.2
//! In which language people are addressed.

use axum::http::{HeaderMap, header};
use serde::{Deserialize, Serialize};
use store::Textual;
use utoipa::ToSchema;

/// A language that Saal speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Language {
    /// German
    #[default]
    De,
    /// English
    En,
}

impl Language {
    /// Its tag (RFC 5646).
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::De => "de",
            Self::En => "en",
        }
    }

    /// The language of a tag such as `de-AT`.
    pub(crate) fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.split('-').next().unwrap_or_default();
        [Self::De, Self::En].into_iter().find(|language| language.as_str().eq_ignore_ascii_case(primary))
    }

    /// What a request asks for (RFC 9110 §12.5.4): of the languages we speak, the one with the highest weight, the first
    /// of equals. English for somebody who asks for neither: they are more likely to read that.
    pub(crate) fn requested(headers: &HeaderMap) -> Option<Self> {
        let wishes = headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?;
        let mut best = None;
        for wish in wishes.split(',') {
            let (tag, weight) = wish.split_once(';').unwrap_or((wish, "q=1"));
            let weight = weight.trim().strip_prefix("q=").and_then(|weight| weight.trim().parse().ok()).unwrap_or(0.0);
            let language = if tag.trim() == "*" { Some(Self::default()) } else { Self::from_tag(tag.trim()) };
            if let Some(language) = language
                && weight > best.map_or(0.0, |(weight, _): (f32, Self)| weight)
            {
                best = Some((weight, language));
            }
        }
        Some(best.map_or(Self::En, |(_, language)| language))
    }
}

impl Textual for Language {
    fn to_text(&self) -> String {
        self.as_str().to_owned()
    }

    fn from_text(text: &str) -> Option<Self> {
        Self::from_tag(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn check(wishes: &'static str, language: Language) {
        let headers = HeaderMap::from_iter([(header::ACCEPT_LANGUAGE, HeaderValue::from_static(wishes))]);
        assert_eq!(Language::requested(&headers), Some(language), "{wishes}");
    }

    #[test]
    fn the_language_with_the_highest_weight_is_taken() {
        check("de", Language::De);
        check("en-GB,en;q=0.9,de;q=0.8", Language::En);
        check("fr, de-AT;q=0.5, en;q=0.4", Language::De);
        check("fr, uk;q=0.5", Language::En);
        check("fr, *;q=0.1", Language::De);
        check("en;q=0, de;q=0.1", Language::De);
        check(";;q=,q=x", Language::En);
        assert_eq!(Language::requested(&HeaderMap::new()), None);
    }
}
