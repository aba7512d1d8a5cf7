//! The sequences section of a compressed block (RFC 8878, section 3.1.1.3.2): for each sequence a code for the number of
//! literals, one for the offset and one for the length of the match, each followed by some bits as they are.
//!
//! Codes are packed by finite state entropy with the distributions that the RFC predefines. A decoder in state `s` knows a
//! symbol and reads `n(s)` bits to get to its next state, `base(s) + bits`. The encoder goes backwards: it knows the state
//! to arrive at and the symbol to leave from, and exactly one state of that symbol leads there. Decoders read bits from the
//! end, so what is read first is written last.

use std::sync::LazyLock;

/// Copy `literals` literals, then `length` bytes that lie `offset` bytes back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sequence {
    pub(super) literals: usize,
    pub(super) offset: usize,
    pub(super) length: usize,
}

/// Least length of a match that the format can say.
const LEAST_MATCH: usize = 3;

/// Bits after each code of a number of literals; the codes below 16 are the number itself (RFC 8878, table 16).
const LITERALS_BITS: [u32; 36] = [
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13,
    14, 15, 16,
];
/// Bits after each code of a length of a match, less three (RFC 8878, table 17).
const LENGTH_BITS: [u32; 53] = [
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1,
    1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
];

/// Predefined distributions (RFC 8878, section 3.1.1.3.2.2): how many states of 64, 64, 32 a code has; -1 is a rare one.
const LITERALS_SHARES: [i8; 36] = [
    4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1,
    -1, -1,
];
const LENGTH_SHARES: [i8; 53] = [
    1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1,
];
const OFFSET_SHARES: [i8; 29] =
    [1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1];

static LITERALS: LazyLock<Coder> = LazyLock::new(|| Coder::new(&LITERALS_SHARES, 6));
static LENGTHS: LazyLock<Coder> = LazyLock::new(|| Coder::new(&LENGTH_SHARES, 6));
static OFFSETS: LazyLock<Coder> = LazyLock::new(|| Coder::new(&OFFSET_SHARES, 5));

/// Appends the section for one sequence or more.
pub(super) fn write(sequences: &[Sequence], out: &mut Vec<u8>) {
    match sequences.len() {
        n @ 0..128 => out.push(n as u8),
        // A block of 128 KiB has less than 0x7f00 matches of six bytes.
        n => out.extend_from_slice(&[(n >> 8) as u8 + 128, n as u8]),
    }
    out.push(0); // all three distributions are the predefined ones
    let (literals, lengths, offsets) = (&*LITERALS, &*LENGTHS, &*OFFSETS);
    let mut bits = BitWriter { out, word: 0, n: 0 };
    let mut states: Option<[usize; 3]> = None;
    for sequence in sequences.iter().rev() {
        let n_literals = Code::of(sequence.literals, &LITERALS_BITS);
        let length = Code::of(sequence.length - LEAST_MATCH, &LENGTH_BITS);
        // 1 to 3 would mean an offset used before; its highest bit is the code.
        let value = sequence.offset as u32 + 3;
        let offset = Code { symbol: value.ilog2() as usize, bits: value.ilog2(), rest: value };
        let [l, m, o] = match states {
            None => [literals.last(n_literals), lengths.last(length), offsets.last(offset)],
            Some([l, m, o]) => {
                let o = offsets.step(offset, o, &mut bits);
                let m = lengths.step(length, m, &mut bits);
                [literals.step(n_literals, l, &mut bits), m, o]
            }
        };
        states = Some([l, m, o]);
        for code in [n_literals, length, offset] {
            bits.put(code.rest, code.bits);
        }
    }
    let [l, m, o] = states.expect("there is a sequence at least");
    bits.put(m as u32, lengths.log);
    bits.put(o as u32, offsets.log);
    bits.put(l as u32, literals.log);
    bits.end();
}

/// A number as a symbol and the lowest `bits` bits of `rest`.
#[derive(Clone, Copy)]
struct Code {
    symbol: usize,
    bits: u32,
    rest: u32,
}

impl Code {
    /// The code of `value` where code `i` stands for the next `2^bits[i]` numbers.
    fn of(value: usize, bits: &[u32]) -> Self {
        let (mut symbol, mut base) = (0, 0);
        while base + (1 << bits[symbol]) <= value {
            base += 1 << bits[symbol];
            symbol += 1;
        }
        Self { symbol, bits: bits[symbol], rest: (value - base) as u32 }
    }
}

/// The states of a distribution, as an encoder needs them.
struct Coder {
    log: u32,
    /// Bits to read in a state, and the least of the states they lead to.
    states: Vec<(u32, u32)>,
    /// `from[symbol << log | next]`: the state of `symbol` that leads to `next`.
    from: Vec<u8>,
}

impl Coder {
    /// Lays symbols out over `2^log` states (RFC 8878, section 4.1.1).
    fn new(shares: &[i8], log: u32) -> Self {
        let size = 1usize << log;
        let mut symbols = vec![0; size];
        let mut free = size;
        for (symbol, _) in shares.iter().enumerate().filter(|(_, share)| **share < 0) {
            free -= 1;
            symbols[free] = symbol;
        }
        let mut place = 0;
        for (symbol, &share) in shares.iter().enumerate() {
            for _ in 0..share.max(0) {
                symbols[place] = symbol;
                place = (place + (size >> 1) + (size >> 3) + 3) % size;
                while place >= free {
                    place = (place + (size >> 1) + (size >> 3) + 3) % size;
                }
            }
        }
        let mut next: Vec<u32> = shares.iter().map(|share| share.unsigned_abs().into()).collect();
        let mut states = Vec::with_capacity(size);
        let mut from = vec![0; shares.len() << log];
        for (state, &symbol) in symbols.iter().enumerate() {
            let bits = log - next[symbol].ilog2();
            let base = (next[symbol] << bits) - size as u32;
            next[symbol] += 1;
            states.push((bits, base));
            for to in base..base + (1 << bits) {
                from[symbol << log | to as usize] = state as u8;
            }
        }
        Self { log, states, from }
    }

    /// A state for the last sequence, from which no other is reached.
    fn last(&self, code: Code) -> usize {
        self.from[code.symbol << self.log].into()
    }

    /// The state of a symbol from which `next` is reached; the bits that lead there are written.
    fn step(&self, code: Code, next: usize, out: &mut BitWriter<'_>) -> usize {
        let state = self.from[code.symbol << self.log | next];
        let (bits, base) = self.states[usize::from(state)];
        out.put(next as u32 - base, bits);
        state.into()
    }
}

/// Bits, lowest first.
struct BitWriter<'a> {
    out: &'a mut Vec<u8>,
    word: u64,
    n: u32,
}

impl BitWriter<'_> {
    /// Appends the lowest `n` bits of `value`, `n` below 32.
    fn put(&mut self, value: u32, n: u32) {
        self.word |= u64::from(value & ((1 << n) - 1)) << self.n;
        self.n += n;
        if self.n >= 32 {
            self.out.extend_from_slice(&(self.word as u32).to_le_bytes());
            self.word >>= 32;
            self.n -= 32;
        }
    }

    /// A one says where the bits end; zeros fill the byte.
    fn end(mut self) {
        self.put(1, 1);
        let bytes = self.word.to_le_bytes();
        self.out.extend_from_slice(&bytes[..self.n.div_ceil(8) as usize]);
    }
}
