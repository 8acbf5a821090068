//! Derived seeds, by a rule that anyone can recompute.
//!
//! The seed is the first four bytes, big endian and with the top bit cleared, of SHA-256 over the text
//! "limn.seed/1", a zero byte, the canonical bytes of the step's primary target with seed 0, the variation and
//! the occurrence, each as four bytes big endian. The occurrence counts earlier steps of the plan with
//! an equal primary, so that four equal prompts give four pictures. All targets of a step share the seed.
//!
//! The images of a view set share one seed, by [`of_set`]: it depends on what they show and on nothing else, so that
//! views which are asked for later belong to the first ones, and pictures that exist are found again.

use alloc::{collections::BTreeMap, vec::Vec};

use limn_proto::plan::RenderSpec;
use prost::Message;
use sha2::{Digest, Sha256};

const DOMAIN: &[u8] = b"limn.seed/1\0";
const SET_DOMAIN: &[u8] = b"limn.set-seed/1\0";

/// The seed of every image of a view set: as that of a step, over the text "limn.set-seed/1", a zero byte, the
/// description in UTF-8 and the variation. That the prompts differ keeps the render digests apart.
pub(crate) fn of_set(description: &str, variation: u32) -> u32 {
    let mut hash = Sha256::new();
    hash.update(SET_DOMAIN);
    hash.update(description.as_bytes());
    hash.update(variation.to_be_bytes());
    seed_of(hash)
}

fn seed_of(hash: Sha256) -> u32 {
    let head = hash.finalize().first_chunk::<4>().copied().unwrap_or_default();
    u32::from_be_bytes(head) & 0x7fff_ffff
}

/// Gives out the seeds of one plan, step by step.
#[derive(Debug)]
pub(crate) struct Seeds {
    variation: u32,
    occurrences: BTreeMap<Vec<u8>, u32>,
}

impl Seeds {
    /// Seeds of a plan with this variation.
    pub(crate) fn new(variation: u32) -> Self {
        Self {
            variation,
            occurrences: BTreeMap::new(),
        }
    }

    /// The seed of the next step. `primary` still has seed 0.
    pub(crate) fn next(&mut self, given: Option<u32>, primary: &RenderSpec) -> u32 {
        if let Some(seed) = given {
            return seed;
        }
        let bytes = primary.encode_to_vec();
        let mut hash = Sha256::new();
        hash.update(DOMAIN);
        hash.update(&bytes);
        hash.update(self.variation.to_be_bytes());
        let occurrence = self.occurrences.entry(bytes).or_insert(0);
        hash.update(occurrence.to_be_bytes());
        *occurrence = occurrence.saturating_add(1);
        seed_of(hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(prompt: &str) -> RenderSpec {
        RenderSpec {
            prompt: prompt.into(),
            ..RenderSpec::default()
        }
    }

    #[test]
    fn equal_primaries_get_different_seeds_and_a_given_seed_stays() {
        let mut seeds = Seeds::new(0);
        let first = seeds.next(None, &render("a cat"));
        let other = seeds.next(None, &render("a dog"));
        let second = seeds.next(None, &render("a cat"));
        assert_ne!(first, second);
        assert_ne!(first, other);
        assert_eq!(seeds.next(Some(7), &render("a cat")), 7);
        assert_eq!(Seeds::new(0).next(None, &render("a cat")), first);
        assert_ne!(Seeds::new(1).next(None, &render("a cat")), first);
    }

    #[test]
    fn the_rule_is_the_documented_one() {
        let render = render("a cat");
        let mut bytes = b"limn.seed/1".to_vec();
        bytes.push(0);
        bytes.extend(render.encode_to_vec());
        bytes.extend([0, 0, 0, 9, 0, 0, 0, 0]);
        let hash = Sha256::digest(&bytes);
        let expected = u32::from_be_bytes([hash[0] & 0x7f, hash[1], hash[2], hash[3]]);
        assert_eq!(Seeds::new(9).next(None, &render), expected);
    }
    #[test]
    fn the_rule_of_a_set_is_the_documented_one() {
        let mut bytes = b"limn.set-seed/1".to_vec();
        bytes.push(0);
        bytes.extend("pink shoes".as_bytes());
        bytes.extend([0, 0, 0, 2]);
        let hash = Sha256::digest(&bytes);
        let expected = u32::from_be_bytes([hash[0] & 0x7f, hash[1], hash[2], hash[3]]);
        assert_eq!(of_set("pink shoes", 2), expected);
        assert_ne!(of_set("pink shoes", 3), expected);
    }
}
