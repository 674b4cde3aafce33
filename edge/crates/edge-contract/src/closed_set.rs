//! Enums whose members have one name each in documents, events, statistics and refusals.

macro_rules! closed_set {
    ($(#[$about:meta])* $type:ident { $($(#[$promise:meta])* $variant:ident = $name:literal,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $type { $($(#[$promise])* $variant,)* }

        impl $type {
            /// Every member, in the order of its [`Self::index`].
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name in contract documents, events and statistics.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The member of that name.
            #[must_use]
            pub fn parse(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }

            /// The place in [`Self::ALL`], for tables.
            #[must_use]
            pub const fn index(self) -> usize {
                self as usize
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

macro_rules! error_codes {
    ($($(#[$promise:meta])* $variant:ident = $code:literal $name:literal,)*) => {
        /// A refusal's stable name; the same list as `contract/errors.json`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum ErrorCode { $($(#[$promise])* $variant,)* }

        impl ErrorCode {
            /// Every code, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code that `port443 explain` takes.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// The name, in `snake_case`.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

pub(crate) use {closed_set, error_codes};
