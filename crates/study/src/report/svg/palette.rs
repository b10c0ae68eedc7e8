//! Colors: a categorical palette safe for color-blind readers (after Okabe and Ito, darkened where they are too faint on white), one
//! sequential and one diverging ramp, each for a white and for a dark page.

use std::fmt::Write as _;

/// Where a figure will stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// In a file of its own, on white, all colors spelled out.
    Paper,
    /// In a page that defines the color variables of [`css_variables`].
    Page,
}

/// Number of categorical colors before they repeat.
pub(super) const CATEGORIES: usize = 8;
/// Number of steps of the sequential ramp.
pub(super) const SEQUENTIAL: usize = 33;
/// Number of steps of the diverging ramp; odd, so that zero has a step of its own.
pub(super) const DIVERGING: usize = 21;

/// The colors of one background.
struct Palette {
    ink: &'static str,
    muted: &'static str,
    axis: &'static str,
    grid: &'static str,
    paper: &'static str,
    categories: [&'static str; CATEGORIES],
    sequential: [u32; 7],
    diverging: [u32; 7],
}

const LIGHT: Palette = Palette {
    ink: "#1c1e21",
    muted: "#5c6168",
    axis: "#8a9099",
    grid: "#e7e9ec",
    paper: "#ffffff",
    categories: [
        "#0072b2", "#d55e00", "#009e73", "#b5518c", "#c28a00", "#3f9ad6", "#6b4fa0", "#3d4247",
    ],
    // From faint to strong, so that late epochs stand out: viridis backwards, without its palest end.
    sequential: [
        0xb8d936, 0x6fc95c, 0x34b079, 0x21918c, 0x2f6c8e, 0x433e85, 0x3a0751,
    ],
    diverging: [
        0x2166ac, 0x67a3cc, 0xc4dcec, 0xf5f5f5, 0xfbd3bd, 0xe58368, 0xb2182b,
    ],
};

const DARK: Palette = Palette {
    ink: "#e8eaed",
    muted: "#a3a9b2",
    axis: "#767d87",
    grid: "#2f343b",
    paper: "#16181c",
    categories: [
        "#55acee", "#ff8f50", "#2fcb9b", "#e797c9", "#f0b53a", "#9bd4f7", "#b9a1f0", "#d0d4d9",
    ],
    sequential: [
        0x5a4a9c, 0x41639f, 0x2f8296, 0x27a287, 0x4fc46a, 0xa4db3c, 0xf6e62b,
    ],
    diverging: [
        0x5aa6f2, 0x3a73ab, 0x28486a, 0x2a2e34, 0x5f3d34, 0xac5b45, 0xfa8a6c,
    ],
};

/// A color by its role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Color {
    Ink,
    Muted,
    Axis,
    Grid,
    Paper,
    Category(usize),
    /// Step of the sequential ramp, below [`SEQUENTIAL`].
    Sequential(usize),
    /// Step of the diverging ramp, below [`DIVERGING`].
    Diverging(usize),
    /// Text on that step of the sequential ramp.
    OnSequential(usize),
    /// Text on that step of the diverging ramp.
    OnDiverging(usize),
}

impl Color {
    /// The value of a `fill` or `stroke` attribute.
    pub(super) fn css(self, theme: Theme) -> String {
        match theme {
            Theme::Paper => self.value(&LIGHT),
            Theme::Page => format!("var(--{})", self.variable()),
        }
    }

    fn variable(self) -> String {
        match self {
            Self::Ink => "ink".into(),
            Self::Muted => "muted".into(),
            Self::Axis => "axis".into(),
            Self::Grid => "grid".into(),
            Self::Paper => "paper".into(),
            Self::Category(i) => format!("c{}", i % CATEGORIES),
            Self::Sequential(i) => format!("s{i}"),
            Self::Diverging(i) => format!("d{i}"),
            Self::OnSequential(i) => format!("on-s{i}"),
            Self::OnDiverging(i) => format!("on-d{i}"),
        }
    }

    fn value(self, palette: &Palette) -> String {
        match self {
            Self::Ink => palette.ink.into(),
            Self::Muted => palette.muted.into(),
            Self::Axis => palette.axis.into(),
            Self::Grid => palette.grid.into(),
            Self::Paper => palette.paper.into(),
            Self::Category(i) => palette.categories[i % CATEGORIES].into(),
            Self::Sequential(i) => hex(ramp(&palette.sequential, i, SEQUENTIAL)),
            Self::Diverging(i) => hex(ramp(&palette.diverging, i, DIVERGING)),
            Self::OnSequential(i) => readable_on(ramp(&palette.sequential, i, SEQUENTIAL)).into(),
            Self::OnDiverging(i) => readable_on(ramp(&palette.diverging, i, DIVERGING)).into(),
        }
    }
}

/// The color variables of a page, as style sheet rules: light, and dark where the reader prefers it and does not print.
pub fn css_variables() -> String {
    let light = declarations(&LIGHT);
    let dark = declarations(&DARK);
    format!(
        ":root{{color-scheme:light dark;{light}}}\n@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}\n"
    )
}

fn declarations(palette: &Palette) -> String {
    let mut out = String::new();
    let roles = [
        Color::Ink,
        Color::Muted,
        Color::Axis,
        Color::Grid,
        Color::Paper,
    ]
    .into_iter()
    .chain((0..CATEGORIES).map(Color::Category))
    .chain((0..SEQUENTIAL).flat_map(|i| [Color::Sequential(i), Color::OnSequential(i)]))
    .chain((0..DIVERGING).flat_map(|i| [Color::Diverging(i), Color::OnDiverging(i)]));
    for role in roles {
        // Writing to a string cannot fail.
        let _ = write!(out, "--{}:{};", role.variable(), role.value(palette));
    }
    out
}

/// Step `i` of `steps`, interpolated between the anchors.
fn ramp(anchors: &[u32; 7], i: usize, steps: usize) -> u32 {
    let position = i.min(steps - 1) as f64 / (steps - 1) as f64 * (anchors.len() - 1) as f64;
    let left = (position.floor() as usize).min(anchors.len() - 2);
    let share = position - left as f64;
    [16, 8, 0].into_iter().fold(0, |color, shift| {
        let channel = |anchor: u32| f64::from((anchor >> shift) & 0xff);
        let mixed = channel(anchors[left]) * (1.0 - share) + channel(anchors[left + 1]) * share;
        color | ((mixed.round() as u32) << shift)
    })
}

fn hex(color: u32) -> String {
    format!("#{color:06x}")
}

/// Black or white, whichever has the larger contrast (WCAG relative luminance).
fn readable_on(color: u32) -> &'static str {
    if luminance(color) > 0.179 {
        "#000000"
    } else {
        "#ffffff"
    }
}

fn luminance(color: u32) -> f64 {
    let linear = |shift: u32| {
        let channel = f64::from((color >> shift) & 0xff) / 255.0;
        if channel <= 0.04045 {
            channel / 12.92
        } else {
            ((channel + 0.055) / 1.055).powf(2.4)
        }
    };
    0.2126 * linear(16) + 0.7152 * linear(8) + 0.0722 * linear(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(color: &str) -> u32 {
        u32::from_str_radix(color.trim_start_matches('#'), 16).unwrap()
    }

    fn contrast(a: u32, b: u32) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn graphics_and_text_stand_out_on_both_backgrounds() {
        for palette in [&LIGHT, &DARK] {
            let paper = parse(palette.paper);
            // WCAG 2.2: 3 for graphics, 4.5 for text.
            for category in palette.categories {
                assert!(contrast(parse(category), paper) >= 3.0, "{category}");
            }
            assert!(contrast(parse(palette.axis), paper) >= 3.0);
            assert!(contrast(parse(palette.muted), paper) >= 4.5);
            assert!(contrast(parse(palette.ink), paper) >= 12.0);
            for i in 0..SEQUENTIAL {
                let color = ramp(&palette.sequential, i, SEQUENTIAL);
                assert!(contrast(parse(readable_on(color)), color) >= 4.5);
            }
            for i in 0..DIVERGING {
                let color = ramp(&palette.diverging, i, DIVERGING);
                assert!(contrast(parse(readable_on(color)), color) >= 4.5);
            }
        }
    }

    #[test]
    fn ramps_begin_and_end_at_their_anchors() {
        assert_eq!(ramp(&LIGHT.sequential, 0, SEQUENTIAL), LIGHT.sequential[0]);
        assert_eq!(
            ramp(&LIGHT.sequential, SEQUENTIAL - 1, SEQUENTIAL),
            LIGHT.sequential[6]
        );
        assert_eq!(
            ramp(&LIGHT.diverging, DIVERGING / 2, DIVERGING),
            LIGHT.diverging[3]
        );
    }

    #[test]
    fn later_steps_stand_out_more() {
        for palette in [&LIGHT, &DARK] {
            let paper = parse(palette.paper);
            let contrasts: Vec<f64> = (0..SEQUENTIAL)
                .map(|i| contrast(ramp(&palette.sequential, i, SEQUENTIAL), paper))
                .collect();
            assert!(contrasts.is_sorted(), "{contrasts:?}");
        }
    }
}
