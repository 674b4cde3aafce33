//! Completed handshakes by version, suite, group and whether they resumed a session.

use edge_contract::{CipherSuite, Group, TlsVersion};

use crate::counter::Counter;

/// One for each group, and one for handshakes without a key exchange.
const GROUPS: usize = Group::ALL.len() + 1;
const CELLS: usize = TlsVersion::ALL.len() * CipherSuite::ALL.len() * GROUPS * 2;

/// The parameters by which handshakes are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) version: TlsVersion,
    pub(crate) suite: CipherSuite,
    pub(crate) group: Option<Group>,
    pub(crate) resumed: bool,
}

/// A counter for each [`Shape`].
pub(crate) struct HandshakeTable(Box<[Counter]>);

impl Default for HandshakeTable {
    fn default() -> Self {
        Self((0..CELLS).map(|_| Counter::default()).collect())
    }
}

impl HandshakeTable {
    pub(crate) fn count(&self, shape: Shape) {
        self.0[shape.cell()].add(1);
    }

    pub(crate) fn read(&self, shape: Shape) -> u64 {
        self.0[shape.cell()].read()
    }
}

impl Shape {
    /// Every shape, in a fixed order.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let groups = || Group::ALL.iter().copied().map(Some).chain([None]);
        let versions = TlsVersion::ALL.iter().copied();
        versions.flat_map(move |version| {
            CipherSuite::ALL.iter().copied().flat_map(move |suite| {
                groups().flat_map(move |group| {
                    [false, true].map(|resumed| Self {
                        version,
                        suite,
                        group,
                        resumed,
                    })
                })
            })
        })
    }

    fn cell(self) -> usize {
        let group = self.group.map_or(Group::ALL.len(), Group::index);
        let pair = self.version.index() * CipherSuite::ALL.len() + self.suite.index();
        (pair * GROUPS + group) * 2 + usize::from(self.resumed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No two shapes share a counter.
    #[test]
    fn shapes_do_not_share_cells() {
        let cells: Vec<usize> = Shape::all().map(Shape::cell).collect();
        assert_eq!((0..CELLS).collect::<Vec<_>>(), cells);
    }
}
