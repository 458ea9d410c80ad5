// SPDX-License-Identifier: EUPL-1.2
//! Values that are one of a few words, in JSON and in the database alike.

/// Makes enumerations whose variants have names.
macro_rules! words {
    ($($(#[doc = $about:literal])+ $name:ident { $($(#[doc = $doc:literal])+ $variant:ident = $text:literal,)+ })+) => {$(
        $(#[doc = $about])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub(crate) enum $name {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl $name {
            /// All there are.
            pub(crate) const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Its name.
            pub(crate) const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }

        impl store::Textual for $name {
            fn to_text(&self) -> String {
                self.as_str().to_owned()
            }

            fn from_text(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.as_str() == text)
            }
        }
    )+};
}

pub(crate) use words;
