//! Reproducible identifiers.

use std::sync::{Arc, Mutex, PoisonError};

use rand::{Rng, RngCore, SeedableRng, rngs::SmallRng};

/// A seeded source of ids: the same seed and the same calls give the same ids.
#[derive(Debug, Clone)]
pub struct Ids {
    rng: Arc<Mutex<SmallRng>>,
}

impl Ids {
    /// A source that starts from `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { rng: Arc::new(Mutex::new(SmallRng::seed_from_u64(seed))) }
    }

    /// The next version 4 GUID.
    #[must_use]
    pub fn guid(&self) -> String {
        let mut bytes = [0_u8; 16];
        self.with(|rng| rng.fill_bytes(&mut bytes));
        uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
    }

    /// `length` random lower-case letters.
    #[must_use]
    pub fn letters(&self, length: usize) -> String {
        self.with(|rng| (0..length).map(|_| char::from(rng.random_range(b'a'..=b'z'))).collect())
    }

    /// `length` random letters and digits.
    #[must_use]
    pub fn alphanumeric(&self, length: usize) -> String {
        self.with(|rng| (0..length).map(|_| char::from(rng.sample(rand::distr::Alphanumeric))).collect())
    }

    /// A random number below `bound` (0 if the bound is 0).
    #[must_use]
    pub fn below(&self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.with(|rng| rng.random_range(0..bound)) }
    }

    fn with<T>(&self, make: impl FnOnce(&mut SmallRng) -> T) -> T {
        make(&mut self.rng.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_ids() {
        let (a, b) = (Ids::new(7), Ids::new(7));
        assert_eq!(a.guid(), b.guid());
        assert_eq!(a.letters(8), b.letters(8));
        assert_ne!(a.guid(), a.guid());
    }
}
