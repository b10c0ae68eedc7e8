//! Pairs of bf16 terms in the matrix tiles of AMX: 16 rows of 16 words at a time.
//!
//! Stable Rust has no intrinsics for them, so the instructions are written out. Every block of a product configures the tiles of its thread and
//! releases them: other libraries may use them too, and the system saves what is not released whenever it changes threads.

#[cfg(test)]
pub(crate) mod emulator;

use std::{arch::asm, sync::OnceLock};

use pulp::Simd;

use super::{Bf16, Pairs, Side, Terms, bf16::remainder};

/// As [`Pairs`], multiplied in tiles, in so many parts: with one, terms are rounded; with three, each is the sum of what it is rounded to and
/// of what that leaves, and the three larger of the four products of these are added up. Then an infinity leaves NaN.
#[derive(Debug)]
pub enum InTiles<const PARTS: usize> {}

/// Rounded terms.
pub(crate) type Tiles = InTiles<1>;
/// Terms in two.
pub(crate) type Split = InTiles<3>;

/// Rows of a tile, words of a row, and words of which all columns of a row are held.
const SIDE: usize = 16;
/// Bytes of a row of a tile.
const ROW: usize = 64;

impl<const PARTS: usize> Terms<f32> for InTiles<PARTS> {
    const TERMS: usize = 2;
    const PARTS: usize = PARTS;
    const GROUP: usize = SIDE;
    const TILE_ROWS: usize = SIDE;

    #[inline(always)]
    unsafe fn part<S: Simd>(_: S, side: Side, part: usize, x: S::f32s) -> S::f32s {
        match (side, part) {
            // SAFETY: the caller's promise.
            (Side::Left, 1) | (Side::Right, 2) => unsafe { remainder(x) },
            _ => x,
        }
    }

    #[inline(always)]
    unsafe fn word<S: Simd>(simd: S, row: S::f32s, next: S::f32s) -> S::f32s {
        // SAFETY: the caller's promise.
        unsafe { Pairs::word(simd, row, next) }
    }

    #[inline(always)]
    unsafe fn words<S: Simd>(simd: S, first: S::f32s, second: S::f32s) -> S::f32s {
        // SAFETY: the caller's promise.
        unsafe { Pairs::words(simd, first, second) }
    }

    #[inline(always)]
    unsafe fn multiply_add<S: Simd>(simd: S, a: S::f32s, b: S::f32s, sum: S::f32s) -> S::f32s {
        // SAFETY: the caller's promise.
        unsafe { Pairs::multiply_add(simd, a, b, sum) }
    }

    #[inline(always)]
    unsafe fn enter() {
        configure();
    }

    #[inline(always)]
    unsafe fn leave() {
        // SAFETY: the caller's promise.
        unsafe { asm!("tilerelease", options(nostack, nomem)) }
    }

    unsafe fn tile<const C: usize>(
        a: *const f32,
        stride: usize,
        panel: *const f32,
        depth: usize,
        sums: *mut f32,
    ) {
        // SAFETY: the caller's promise; `stride`, `depth` and the width of the panel are in words of 4 bytes.
        unsafe {
            match C {
                1 => one(a, 4 * stride, panel, depth / SIDE, sums),
                2 => two(a, 4 * stride, panel, depth / SIDE, sums),
                _ => three(a, 4 * stride, panel, depth / SIDE, sums),
            }
        }
    }
}

/// A function that multiplies 16 rows of a with a panel of some vectors of columns, 16 words at a time.
macro_rules! tiles {
    ($name:ident, $columns:literal, [$($zero:literal),*], [$($multiply:literal),*], [$($store:literal),*]) => {
        unsafe fn $name(a: *const f32, stride: usize, panel: *const f32, groups: usize, sums: *mut f32) {
            // SAFETY: the caller's promise; the tiles belong to this module.
            unsafe {
                asm!(
                    $($zero,)*
                    "2:",
                    "tileloadd tmm3, [{a} + {stride}*1]",
                    $($multiply,)*
                    "add {a}, 64",
                    "add {panel}, {step}",
                    "dec {groups}",
                    "jnz 2b",
                    $($store,)*
                    a = inout(reg) a => _,
                    stride = in(reg) stride,
                    panel = inout(reg) panel => _,
                    width = in(reg) $columns * ROW,
                    step = in(reg) SIDE * $columns * ROW,
                    groups = inout(reg) groups => _,
                    sums = in(reg) sums,
                    out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _, out("tmm4") _, out("tmm5") _, out("tmm6") _,
                    options(nostack),
                );
            }
        }
    };
}

tiles!(
    one,
    1,
    ["tilezero tmm0"],
    [
        "tileloadd tmm4, [{panel} + {width}*1]",
        "tdpbf16ps tmm0, tmm3, tmm4"
    ],
    ["tilestored [{sums} + {width}*1], tmm0"]
);
tiles!(
    two,
    2,
    ["tilezero tmm0", "tilezero tmm1"],
    [
        "tileloadd tmm4, [{panel} + {width}*1]",
        "tdpbf16ps tmm0, tmm3, tmm4",
        "tileloadd tmm5, [{panel} + {width}*1 + 64]",
        "tdpbf16ps tmm1, tmm3, tmm5"
    ],
    [
        "tilestored [{sums} + {width}*1], tmm0",
        "tilestored [{sums} + {width}*1 + 64], tmm1"
    ]
);
tiles!(
    three,
    3,
    ["tilezero tmm0", "tilezero tmm1", "tilezero tmm2"],
    [
        "tileloadd tmm4, [{panel} + {width}*1]",
        "tdpbf16ps tmm0, tmm3, tmm4",
        "tileloadd tmm5, [{panel} + {width}*1 + 64]",
        "tdpbf16ps tmm1, tmm3, tmm5",
        "tileloadd tmm6, [{panel} + {width}*1 + 128]",
        "tdpbf16ps tmm2, tmm3, tmm6"
    ],
    [
        "tilestored [{sums} + {width}*1], tmm0",
        "tilestored [{sums} + {width}*1 + 64], tmm1",
        "tilestored [{sums} + {width}*1 + 128], tmm2"
    ]
);

/// What the instruction that configures tiles reads.
#[repr(C, align(64))]
struct Configuration {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

/// Gives this thread eight tiles of 16 rows of 64 bytes.
fn configure() {
    let mut configuration = Configuration {
        palette: 1,
        start_row: 0,
        reserved: [0; 14],
        row_bytes: [0; 16],
        rows: [0; 16],
    };
    configuration.row_bytes[..8].fill(ROW as u16);
    configuration.rows[..8].fill(SIDE as u8);
    // SAFETY: tiles are there, and the system lets them be used: otherwise nobody would come here.
    unsafe { asm!("ldtilecfg [{}]", in(reg) &raw const configuration, options(nostack)) }
}

/// The sign that processor and system have tiles and the products of bf16.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Amx(Bf16);

impl Amx {
    /// Asks the system for them.
    pub(crate) fn detect() -> Option<Self> {
        static GRANTED: OnceLock<bool> = OnceLock::new();
        let bf16 = Bf16::detect()?;
        let granted = *GRANTED.get_or_init(|| processor() && system());
        granted.then_some(Self(bf16))
    }

    /// Has them interpreted.
    #[cfg(test)]
    pub(crate) fn emulated(bf16: Bf16) -> Self {
        emulator::install();
        Self(bf16)
    }

    pub(crate) fn bf16(self) -> Bf16 {
        self.0
    }
}

/// Leaf 7 of CPUID: EDX bit 22 stands for products of bf16 in tiles, bit 24 for tiles.
fn processor() -> bool {
    let bits = (1 << 22) | (1 << 24);
    std::arch::x86_64::__cpuid_count(7, 0).edx & bits == bits
}

/// Linux grants tiles to a process that asks: `arch_prctl(ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA)`.
fn system() -> bool {
    const ARCH_PRCTL: i64 = 158;
    const ARCH_REQ_XCOMP_PERM: u64 = 0x1023;
    const XFEATURE_XTILEDATA: u64 = 18;
    let result: i64;
    // SAFETY: a system call that writes no memory.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") ARCH_PRCTL => result,
            in("rdi") ARCH_REQ_XCOMP_PERM,
            in("rsi") XFEATURE_XTILEDATA,
            out("rcx") _,
            out("r11") _,
            options(nostack),
        );
    }
    result == 0
}
