//! Macros for enums whose members have a fixed name in documents, events, statistics and errors.

macro_rules! closed_set {
    ($(#[$docs:meta])* $type:ident { $($(#[$variant_docs:meta])* $variant:ident = $name:literal,)* }) => {
        $(#[$docs])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $type { $($(#[$variant_docs])* $variant,)* }

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

            /// The index in [`Self::ALL`], for tables.
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
    ($($(#[$variant_docs:meta])* $variant:ident = $code:literal $name:literal,)*) => {
        /// The code of an error reply; the same list as `contract/errors.json`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum ErrorCode { $($(#[$variant_docs])* $variant,)* }

        impl ErrorCode {
            /// Every code, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code, such as `P443-E350`, which `port443 explain` describes.
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
