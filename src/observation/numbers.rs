//! Small numbers for IPv4 prefixes: every prefix of every message passes here.

use super::V4Prefix;
use std::collections::HashMap;

/// Which number each prefix has.
#[derive(Debug, Default)]
pub(crate) struct V4Numbers(HashMap<u64, u32, foldhash::fast::FixedState>);

impl V4Numbers {
    /// How many prefixes have a number.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The number of a prefix; `next` from now on, if it has none.
    #[inline]
    pub fn of(&mut self, prefix: V4Prefix, next: u32) -> u32 {
        // Nearly every prefix is known.
        if let Some(number) = self.0.get(&prefix.word()) {
            return *number;
        }
        *self.0.entry(prefix.word()).or_insert(next)
    }

    /// The number of a prefix, if it has one.
    pub fn find(&self, prefix: V4Prefix) -> Option<u32> {
        self.0.get(&prefix.word()).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_prefix_keeps_the_number_it_was_given(asked in prop::collection::vec((0u32..40, 18u8..=32), 0..400)) {
            let (mut numbers, mut model) = (V4Numbers::default(), HashMap::new());
            for (address, length) in asked {
                let prefix = V4Prefix::new(address << 8, length).unwrap();
                let next = u32::try_from(model.len()).unwrap();
                prop_assert_eq!(numbers.find(prefix), model.get(&prefix).copied());
                prop_assert_eq!(numbers.of(prefix, next), *model.entry(prefix).or_insert(next));
            }
            prop_assert_eq!(numbers.len(), model.len());
            prop_assert!(model.iter().all(|(prefix, number)| numbers.find(*prefix) == Some(*number)));
        }
    }
}
