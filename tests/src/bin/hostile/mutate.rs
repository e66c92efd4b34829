//! Bytes made worse.

use rand::{Rng, rngs::SmallRng, seq::IndexedRandom};

/// What parsers trip over.
const TOKENS: [&[u8]; 28] = [
    b"\0",
    b"\xff",
    b"\xc3\x28",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    b"\"",
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b"{",
    b"}",
    b"[[[[[[[[",
    b"]",
    b":",
    b",",
    b"null",
    b"-0",
    b"1e999",
    b"18446744073709551616",
    b"-9223372036854775809",
    b"0.0000001",
    b"%",
    b"%ff",
    b"&&",
    b"=",
    b"\r\n--xYzZY",
    b"--",
    b"+00000000000000000000",
];
/// Nothing longer is made: what limits refuse is tested elsewhere.
const LONGEST: usize = 16_384;

/// Changes bytes in one to four ways; `others` lend pieces of themselves.
pub fn mutate(bytes: &[u8], others: &[Vec<u8>], random: &mut SmallRng) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..random.random_range(1..=4) {
        bytes = once(bytes, others, random);
        bytes.truncate(LONGEST);
    }
    bytes
}

fn once(mut bytes: Vec<u8>, others: &[Vec<u8>], random: &mut SmallRng) -> Vec<u8> {
    let at = random.random_range(0..=bytes.len());
    let to = random.random_range(at..=bytes.len().min(at + 64));
    match random.random_range(0..8) {
        0 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << random.random_range(0..8);
            }
        }
        1 => drop(bytes.drain(at..to)),
        2 => {
            let piece = bytes.get(at..to).unwrap_or_default().to_vec();
            insert(&mut bytes, at, &piece.repeat(random.random_range(1..20)));
        }
        3 => insert(&mut bytes, at, TOKENS.choose(random).copied().unwrap_or_default()),
        4 => {
            bytes.drain(at..to);
            insert(&mut bytes, at, TOKENS.choose(random).copied().unwrap_or_default());
        }
        5 => bytes.truncate(at),
        6 => {
            let other = others.choose(random).map(Vec::as_slice).unwrap_or_default();
            let from = random.random_range(0..=other.len());
            insert(&mut bytes, at, other.get(from..other.len().min(from + 200)).unwrap_or_default());
        }
        _ => {
            let noise: Vec<u8> = (0..random.random_range(1..16)).map(|_| random.random()).collect();
            insert(&mut bytes, at, &noise);
        }
    }
    bytes
}

fn insert(bytes: &mut Vec<u8>, at: usize, piece: &[u8]) {
    let tail = bytes.split_off(at);
    bytes.extend_from_slice(piece);
    bytes.extend_from_slice(&tail);
}
