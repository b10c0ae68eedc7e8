//! The instructions of tiles for processors without: each raises a signal, and the handler does what it would have done.
//!
//! It knows the encodings and operands that this crate writes, and ends the process at any other. Sums are of `f32`; the processor's flush
//! of denormal numbers is left out. Every thread has tiles of its own, and none before it configures them as this crate does.

use std::{
    cell::UnsafeCell,
    ptr,
    sync::atomic::{AtomicUsize, Ordering},
};

use libc::{c_int, c_void, sigaction, siginfo_t, ucontext_t};

use super::{ROW, SIDE};

type Tile = [[u8; ROW]; SIDE];

/// The tiles of a thread, and whether they are configured.
struct State {
    tiles: [Tile; 8],
    configured: bool,
}

thread_local! {
    static STATE: UnsafeCell<State> = const {
        UnsafeCell::new(State {
            tiles: [[[0; ROW]; SIDE]; 8],
            configured: false,
        })
    };
}

static INTERPRETED: AtomicUsize = AtomicUsize::new(0);

/// Where the context of a signal keeps the registers, in the order of their encoding.
const REGISTERS: [c_int; 16] = [
    libc::REG_RAX,
    libc::REG_RCX,
    libc::REG_RDX,
    libc::REG_RBX,
    libc::REG_RSP,
    libc::REG_RBP,
    libc::REG_RSI,
    libc::REG_RDI,
    libc::REG_R8,
    libc::REG_R9,
    libc::REG_R10,
    libc::REG_R11,
    libc::REG_R12,
    libc::REG_R13,
    libc::REG_R14,
    libc::REG_R15,
];

/// Instructions that were interpreted so far.
pub(crate) fn interpreted() -> usize {
    INTERPRETED.load(Ordering::Relaxed)
}

/// Interprets from now on.
pub(crate) fn install() {
    // SAFETY: the handler changes nothing but tiles, what their instructions write, and the place where the thread goes on.
    unsafe {
        let mut action: sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO;
        assert_eq!(
            sigaction(libc::SIGILL, &raw const action, ptr::null_mut()),
            0
        );
    }
}

unsafe extern "C" fn handler(_: c_int, _: *mut siginfo_t, context: *mut c_void) {
    // SAFETY: the system hands over the context of the thread, whose instruction pointer is at an instruction.
    unsafe {
        let registers = &mut (*context.cast::<ucontext_t>()).uc_mcontext.gregs;
        let start = registers[libc::REG_RIP as usize];
        let code = &*(start as *const [u8; 15]);
        let value = |register: u8| registers[REGISTERS[usize::from(register)] as usize];
        let Some(length) = interpret(code, value) else {
            libc::abort();
        };
        INTERPRETED.fetch_add(1, Ordering::Relaxed);
        registers[libc::REG_RIP as usize] += length;
    }
}

/// Does what the instruction says; its length, if it is one of tiles.
///
/// # Safety
/// The memory that it names must be the program's.
unsafe fn interpret(code: &[u8; 15], value: impl Fn(u8) -> i64) -> Option<i64> {
    let &[0xC4, extension, vex, operation, modrm, ..] = code else {
        return None; // three bytes of VEX
    };
    let high = |bit: u32| (!(extension >> bit) & 1) << 3;
    let (prefix, third) = (vex & 3, usize::from(!(vex >> 3) & 15));
    let (register, other) = (usize::from((modrm >> 3) & 7), usize::from(modrm & 7));
    let (address, stride, length) = match modrm >> 6 {
        3 => (0, 0, 5),
        mode => {
            let (base, stride, at) = if other == 4 {
                let scaled = code[5];
                let index = value(((scaled >> 3) & 7) | high(6)) << (scaled >> 6);
                (value((scaled & 7) | high(5)), index, 6)
            } else {
                (value(modrm & 7 | high(5)), 0, 5)
            };
            match mode {
                0 => (base, stride, at as i64),
                1 => (base + i64::from(code[at] as i8), stride, at as i64 + 1),
                _ => {
                    let offset = i32::from_le_bytes(code[at..at + 4].try_into().ok()?);
                    (base + i64::from(offset), stride, at as i64 + 4)
                }
            }
        }
    };
    let state = STATE.with(UnsafeCell::get);
    // SAFETY: a thread's own, which no other signal of it is handled beside; and the caller's promise.
    unsafe {
        let State { tiles, configured } = &mut *state;
        let rows = (0..SIDE).map(|row| (row, (address + row as i64 * stride) as *mut [u8; ROW]));
        match (operation, prefix, modrm >> 6 == 3) {
            (0x49, 0, false) if is_ours(&*(address as *const [u8; 64])) => *configured = true, // ldtilecfg
            _ if !*configured => return None,
            (0x49, 0, true) => *configured = false, // tilerelease
            (0x49, 3, true) => tiles[register] = [[0; ROW]; SIDE], // tilezero
            (0x4B, 3, false) => rows.for_each(|(row, from)| tiles[register][row] = *from), // tileloadd
            (0x4B, 2, false) => rows.for_each(|(row, to)| *to = tiles[register][row]), // tilestored
            (0x5C, 2, true) => {
                let (a, b) = (tiles[other], tiles[third]);
                add_products(&a, &b, &mut tiles[register]);
            }
            _ => return None,
        }
    }
    Some(length)
}

/// Whether a configuration has palette 1 and eight tiles of 16 rows of 64 bytes.
fn is_ours(configuration: &[u8; 64]) -> bool {
    let widths = configuration[16..32].as_chunks::<2>().0;
    configuration[0] == 1
        && widths
            .iter()
            .all(|width| u16::from_le_bytes(*width) == ROW as u16)
        && configuration[48..56].iter().all(|rows| *rows == SIDE as u8)
}

/// tdpbf16ps.
fn add_products(a: &Tile, b: &Tile, sums: &mut Tile) {
    let term = |row: &[u8; ROW], index: usize| {
        let bits = u16::from_le_bytes([row[2 * index], row[2 * index + 1]]);
        f32::from_bits(u32::from(bits) << 16)
    };
    for (a, sums) in a.iter().zip(sums) {
        for (n, sum) in sums.as_chunks_mut::<4>().0.iter_mut().enumerate() {
            let mut total = f32::from_le_bytes(*sum);
            for (k, b) in b.iter().enumerate() {
                total += term(a, 2 * k) * term(b, 2 * n);
                total += term(a, 2 * k + 1) * term(b, 2 * n + 1);
            }
            *sum = total.to_le_bytes();
        }
    }
}
