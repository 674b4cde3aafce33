//! The root document of a snapshot, and the rules between its fields.

use crate::error::Fault;
use crate::generated_documents::{Limits, Listener, Root};
use crate::generated_values::{Role, Transport};
use crate::hash::Hash;
use crate::json::{Json, canonical};
use crate::read::object;

impl Root {
    /// Decode and check a root document.
    pub fn decode(text: &[u8]) -> Result<Self, Fault> {
        Self::checked(Json::decode(text)?)
    }

    /// Check a root document that was decoded inside a request, and compute its hash.
    pub fn from_json(json: Json) -> Result<(Hash, Self), Fault> {
        // A value with a number that is not allowed has no canonical form; `checked` reports its path.
        let canonical = json.canonical();
        let root = Self::checked(json)?;
        Ok((Hash::of(&canonical?), root))
    }

    fn checked(json: Json) -> Result<Self, Fault> {
        let root = object(Self::read)(json)?;
        root.check_listeners()?;
        root.check_references()?;
        Ok(root)
    }

    /// The hash of the snapshot.
    pub fn hash(&self) -> Result<Hash, Fault> {
        Ok(Hash::of(&canonical(self)?))
    }

    /// The listener of that id.
    #[must_use]
    pub fn listener(&self, id: &str) -> Option<&Listener> {
        self.listeners.iter().find(|listener| listener.id == id)
    }

    fn check_listeners(&self) -> Result<(), Fault> {
        let at = |index, message: String| {
            let fault = Fault::document(message).under("id");
            Err(fault.at(index).under("listeners"))
        };
        for (index, listener) in self.listeners.iter().enumerate() {
            let expected = format!("{}:{}", listener.role.as_str(), listener.address);
            if listener.id != expected {
                return at(index, format!("must be {expected:?}: role and address"));
            }
            let is_same = |other: &Listener| other.id == listener.id;
            if self.listeners[..index].iter().any(is_same) {
                return at(index, "is a duplicate".to_owned());
            }
        }
        Ok(())
    }

    fn check_references(&self) -> Result<(), Fault> {
        let absent = || Fault::document("is not among the parts");
        if let Some((id, _)) = self.sites.iter().find(|(_, hash)| !self.needs(hash)) {
            return Err(absent().under(id).under("sites"));
        }
        if let Some(id) = &self.default_site
            && !self.sites.contains_key(id)
        {
            return Err(Fault::document("is not among the sites").under("default_site"));
        }
        if let Some(index) = self.ticket_keys.iter().position(|hash| !self.needs(hash)) {
            return Err(absent().at(index).under("ticket_keys"));
        }
        match &self.challenges {
            Some(hash) if !self.needs(hash) => Err(absent().under("challenges")),
            _ => Ok(()),
        }
    }

    fn needs(&self, hash: &Hash) -> bool {
        self.parts.binary_search(hash).is_ok()
    }
}

impl Listener {
    /// The transport of the listener's clients.
    #[must_use]
    pub fn transport(&self) -> Transport {
        self.role.transport()
    }
}

impl Role {
    /// The transport, which is determined by the role.
    #[must_use]
    pub fn transport(self) -> Transport {
        match self {
            Self::Https | Self::Redirect => Transport::Tcp,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::STANDARD
    }
}
