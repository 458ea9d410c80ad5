// SPDX-License-Identifier: EUPL-1.2
//! Writes the classic BPF program that chooses a socket.
//!
//! It hashes the source, looks for a rule of that hash, and otherwise spreads by the hash. The rules are sorted by
//! their keys and cut into leaves, which are found by bisection and compared one after the other. That takes fewer
//! instructions than bisecting to the end: within a leaf a conditional jump, whose reach is 255 instructions, gets to
//! a return that all rules for one socket share.

use super::hash::SourceHash;

/// Rules compared one after the other. More would make the search longer, and fewer the program, because each leaf has
/// returns of its own.
const LEAF_RULES: usize = 32;

/// How many of the kernel's instructions a program may be. The kernel translates each of ours into one or more of its
/// own, of 8 bytes. They and the kernel's record of the program (about 80 bytes) must fit into `net.core.optmem_max`,
/// which is 20,480 bytes by default in older kernels. The limit of 4,096 instructions of ours is further away.
const PROGRAM_INSTRUCTIONS: usize = 2_530;

/// What the hash, the spreading and the kernel's own prologue become, rounded up from 154: loads become many.
const HASH_INSTRUCTIONS: usize = 160;

/// How many rules always fit, whatever they are, for so many sockets.
pub(super) const fn max_rules(sockets: usize) -> usize {
    let returns = if sockets < LEAF_RULES { sockets } else { LEAF_RULES };
    // Each return becomes two instructions, as do the two that spread and those that bisect.
    let leaf_instructions = LEAF_RULES + 2 * returns + 2 + 2;
    (PROGRAM_INSTRUCTIONS - HASH_INSTRUCTIONS) / leaf_instructions * LEAF_RULES
}

/// What rules are found by. One bit is left out: the kernel's instructions compare with signed numbers, and a larger
/// one would take an instruction more.
pub(super) const fn key(hash: u32) -> u32 {
    hash >> 1
}

/// The socket of a source without a rule: the hash's upper half, scaled to the number of sockets.
pub(super) const fn spread(hash: u32, sockets: u16) -> u16 {
    (((hash >> 16) * sockets as u32) >> 16) as u16
}

/// The program for `rules`, which are pairs of a key and a socket in ascending order of the keys.
pub(super) fn program(hash: &SourceHash, sockets: u16, rules: &[(u32, u16)]) -> Vec<Instruction> {
    let mut program = hash.instructions();
    program.extend([
        // The key goes to the accumulator, and to X what holds without a rule.
        Instruction::shift_right(1),
        Instruction::store(0),
        Instruction::copy_from_x(),
        Instruction::shift_right(16),
        Instruction::multiply(sockets.into()),
        Instruction::shift_right(16),
        Instruction::copy_to_x(),
        Instruction::load(0),
    ]);
    let leaves: Vec<&[(u32, u16)]> = rules.chunks(LEAF_RULES).collect();
    program.extend(search(&leaves));
    program
}

/// Finds the leaf and the rule in it.
fn search(leaves: &[&[(u32, u16)]]) -> Vec<Instruction> {
    let [_, _, ..] = leaves else { return leaf(leaves.first().copied().unwrap_or_default()) };
    let (lower, upper) = leaves.split_at(leaves.len() / 2);
    let first_of_upper = upper[0][0].0;
    let (lower, upper) = (search(lower), search(upper));
    let mut all = vec![Instruction::skip_unless_at_least(first_of_upper, 1), Instruction::skip(lower.len())];
    all.extend(lower);
    all.extend(upper);
    all
}

fn leaf(rules: &[(u32, u16)]) -> Vec<Instruction> {
    let mut sockets: Vec<u16> = rules.iter().map(|(_, socket)| *socket).collect();
    sockets.sort_unstable();
    sockets.dedup();
    let spread = [Instruction::copy_from_x(), Instruction::return_accumulator()];
    let comparison = |(index, (key, socket)): (usize, &(u32, u16))| {
        let place = sockets.partition_point(|other| other < socket);
        Instruction::skip_if_equal(*key, rules.len() - 1 - index + spread.len() + place)
    };
    let mut all: Vec<_> = rules.iter().enumerate().map(comparison).collect();
    all.extend(spread);
    all.extend(sockets.iter().map(|socket| Instruction::return_constant((*socket).into())));
    all
}

/// One instruction of classic BPF, in the kernel's layout (`sock_filter`).
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(super) struct Instruction(#[allow(dead_code, reason = "the kernel reads it")] libc::sock_filter);

/// Offset in `load` instructions that means the IP header's begin.
const NETWORK: u32 = libc::SKF_NET_OFF as u32;

impl Instruction {
    const fn new(code: u32, operand: u32) -> Self {
        Self::jump(code, operand, 0, 0)
    }

    const fn jump(code: u32, operand: u32, if_true: u8, if_false: u8) -> Self {
        Self(libc::sock_filter { code: code as u16, jt: if_true, jf: if_false, k: operand })
    }

    /// What follows the headers of the link, as an Ethernet type.
    pub(super) const fn load_protocol() -> Self {
        let protocol = (libc::SKF_AD_OFF + libc::SKF_AD_PROTOCOL) as u32;
        Self::new(libc::BPF_LD | libc::BPF_H | libc::BPF_ABS, protocol)
    }

    pub(super) const fn load_network_word(at: u32) -> Self {
        Self::new(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, NETWORK.wrapping_add(at))
    }

    pub(super) const fn load_network_half(at: u32) -> Self {
        Self::new(libc::BPF_LD | libc::BPF_H | libc::BPF_ABS, NETWORK.wrapping_add(at))
    }

    /// From X bytes after the IP header's begin.
    pub(super) const fn load_network_half_after_x() -> Self {
        Self::new(libc::BPF_LD | libc::BPF_H | libc::BPF_IND, NETWORK)
    }

    pub(super) const fn load_x_ipv4_header_bytes() -> Self {
        Self::new(libc::BPF_LDX | libc::BPF_B | libc::BPF_MSH, NETWORK)
    }

    pub(super) const fn store(cell: u32) -> Self {
        Self::new(libc::BPF_ST, cell)
    }

    pub(super) const fn load(cell: u32) -> Self {
        Self::new(libc::BPF_LD | libc::BPF_W | libc::BPF_MEM, cell)
    }

    pub(super) const fn copy_to_x() -> Self {
        Self::new(libc::BPF_MISC | libc::BPF_TAX, 0)
    }

    pub(super) const fn copy_from_x() -> Self {
        Self::new(libc::BPF_MISC | libc::BPF_TXA, 0)
    }

    pub(super) const fn multiply(factor: u32) -> Self {
        Self::new(libc::BPF_ALU | libc::BPF_MUL | libc::BPF_K, factor)
    }

    pub(super) const fn add(summand: u32) -> Self {
        Self::new(libc::BPF_ALU | libc::BPF_ADD | libc::BPF_K, summand)
    }

    pub(super) const fn add_x() -> Self {
        Self::new(libc::BPF_ALU | libc::BPF_ADD | libc::BPF_X, 0)
    }

    pub(super) const fn xor_x() -> Self {
        Self::new(libc::BPF_ALU | libc::BPF_XOR | libc::BPF_X, 0)
    }

    pub(super) const fn shift_right(bits: u32) -> Self {
        Self::new(libc::BPF_ALU | libc::BPF_RSH | libc::BPF_K, bits)
    }

    pub(super) const fn skip(instructions: usize) -> Self {
        Self::new(libc::BPF_JMP | libc::BPF_JA, instructions as u32)
    }

    pub(super) fn skip_if_equal(value: u32, instructions: usize) -> Self {
        Self::jump(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, value, reach(instructions), 0)
    }

    pub(super) fn skip_unless_equal(value: u32, instructions: usize) -> Self {
        Self::jump(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, value, 0, reach(instructions))
    }

    fn skip_unless_at_least(value: u32, instructions: usize) -> Self {
        Self::jump(libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K, value, 0, reach(instructions))
    }

    const fn return_constant(value: u32) -> Self {
        Self::new(libc::BPF_RET | libc::BPF_K, value)
    }

    const fn return_accumulator() -> Self {
        Self::new(libc::BPF_RET | libc::BPF_A, 0)
    }
}

fn reach(instructions: usize) -> u8 {
    u8::try_from(instructions).expect("the hash and a leaf are shorter than a conditional jump's reach")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the instructions that search become: returns of constants two, all others one.
    fn kernel_instructions(search: &[Instruction]) -> usize {
        let is_return = |instruction: &&Instruction| u32::from(instruction.0.code) == libc::BPF_RET | libc::BPF_K;
        search.len() + search.iter().filter(is_return).count()
    }

    #[test]
    fn the_worst_rules_fit_for_any_number_of_sockets() {
        let hash = SourceHash::new([u32::MAX; 10]);
        for sockets in 2..=1_024 {
            // Neighbours for different sockets share no return.
            let rules: Vec<_> = (0..max_rules(sockets.into()) as u32).map(|key| (key, key as u16 % sockets)).collect();
            let leaves: Vec<_> = rules.chunks(LEAF_RULES).collect();
            let instructions = HASH_INSTRUCTIONS + kernel_instructions(&search(&leaves));
            assert!(instructions <= PROGRAM_INSTRUCTIONS, "{instructions} for {sockets} sockets");
            let program = program(&hash, sockets, &rules);
            // BPF_MAXINSNS.
            assert!(program.len() <= 4_096, "{} for {sockets} sockets", program.len());
        }
    }

    #[test]
    fn spreading_reaches_all_sockets_and_no_other() {
        for sockets in [1, 2, 3, 1_024, u16::MAX] {
            assert_eq!(spread(0, sockets), 0);
            assert_eq!(spread(u32::MAX, sockets), sockets - 1);
        }
    }
}
