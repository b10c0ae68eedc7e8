//! Augmentation against Pillow, and against what it says of itself.

use super::{color, geometry, image::Image, rand_augment, *};
use crate::ImageShape;
use srr_random::Seed;
use std::collections::{HashMap, HashSet};

/// The images of `tests/reference/pillow.txt`, by name.
fn pillow() -> HashMap<&'static str, Image> {
    let lines = include_str!("../../tests/reference/pillow.txt").lines();
    lines
        .map(|line| {
            let mut words = line.split(' ');
            let name = words.next().unwrap();
            let numbers: Vec<usize> = words.map(|w| w.parse().unwrap()).collect();
            let shape = ImageShape::new(numbers[0], numbers[1], numbers[2]);
            let bytes: Vec<u8> = numbers[3..].iter().map(|&v| v as u8).collect();
            assert_eq!(bytes.len(), shape.len());
            (name, Image::from_bytes(&bytes, shape, 255))
        })
        .collect()
}

/// Largest difference, in levels of a byte.
fn difference(a: &Image, b: &Image) -> f32 {
    assert_eq!(a.shape(), b.shape());
    let pairs = a.values().iter().zip(b.values());
    255.0 * pairs.map(|(x, y)| (x - y).abs()).fold(0.0, f32::max)
}

#[test]
fn enhancements_agree_with_pillow_up_to_its_rounding() {
    let reference = pillow();
    let image = &reference["color"];
    for factor in [0.58_f32, 1.42] {
        type Enhancement = fn(Image, f32) -> Image;
        let enhanced: [(&str, Enhancement); 4] = [
            ("Brightness", color::brightness),
            ("Color", color::saturation),
            ("Contrast", color::contrast),
            ("Sharpness", color::sharpness),
        ];
        for (name, operation) in enhanced {
            let expected = &reference[format!("{name}:{factor}").as_str()];
            let d = difference(&operation(image.clone(), factor), expected);
            assert!(d < 1.5, "{name} by {factor}: {d} levels");
            assert!(difference(image, expected) > 20.0);
        }
    }
    let stretched = color::auto_contrast(image.clone());
    assert!(difference(&stretched, &reference["AutoContrast"]) < 1.01);
}

#[test]
fn operations_on_bytes_agree_with_pillow_exactly() {
    let reference = pillow();
    let image = &reference["color"];
    let exact = |made: Image, name: &str| {
        assert!(difference(&made, &reference[name]) < 1e-3, "{name}");
    };
    exact(color::posterize(image.clone(), 4), "Posterize:4");
    exact(color::posterize(image.clone(), 6), "Posterize:6");
    exact(
        color::solarize(image.clone(), 136.0 / 255.0),
        "Solarize:136",
    );
    exact(color::equalize(reference["gray"].clone()), "Equalize");
}

#[test]
fn moves_agree_with_pillow_exactly() {
    use rand_augment::{Operation, apply};
    let reference = pillow();
    for (operation, name) in [
        (Operation::ShearX, "ShearX"),
        (Operation::ShearY, "ShearY"),
        (Operation::TranslateX, "TranslateX"),
        (Operation::TranslateY, "TranslateY"),
        (Operation::Rotate, "Rotate"),
    ] {
        for (negative, sign) in [(false, "1"), (true, "-1")] {
            let made = apply(operation, reference["color"].clone(), 14, negative);
            let expected = &reference[format!("{name}:{sign}").as_str()];
            assert!(difference(&made, expected) < 1e-3, "{name}:{sign}");
        }
    }
}

#[test]
fn resizing_agrees_with_pillow_up_to_its_rounding() {
    let reference = pillow();
    let image = &reference["color"];
    let part = geometry::Window {
        top: 1,
        left: 2,
        height: 3,
        width: 4,
    };
    for (name, window, height, width) in [
        (
            "Resize:whole",
            geometry::Window::whole(image.shape()),
            8,
            11,
        ),
        (
            "Resize:shrink",
            geometry::Window::whole(image.shape()),
            2,
            3,
        ),
        ("Resize:window", part, 9, 3),
    ] {
        let made = geometry::resize(image, window, height, width);
        let d = difference(&made, &reference[name]);
        assert!(d < 1.01, "{name}: {d} levels");
    }
    let same = geometry::resize(image, geometry::Window::whole(image.shape()), 5, 7);
    assert_eq!(same, *image);
}

/// A ramp whose values tell where they were.
fn ramp(channels: usize, height: usize, width: usize) -> Image {
    let shape = ImageShape::new(channels, height, width);
    let n = shape.len();
    Image::new((0..n).map(|i| (i + 1) as f32 / n as f32).collect(), shape).unwrap()
}

#[test]
fn crops_reach_every_position_once_padded() {
    let image = ramp(1, 3, 3);
    let crop = [Augmentation::Crop { padding: 1 }];
    let mut seen = HashSet::new();
    for i in 0..300 {
        let out = augment(&crop, &image, &mut Seed::new(1).index(i).stream()).unwrap();
        seen.insert(
            out.values()
                .iter()
                .map(|v| (v * 9.0).round() as u8)
                .collect::<Vec<_>>(),
        );
    }
    assert_eq!(seen.len(), 9);
    assert!(seen.contains([1, 2, 3, 4, 5, 6, 7, 8, 9].as_slice()));
    assert!(seen.contains([0, 0, 0, 0, 1, 2, 0, 4, 5].as_slice())); // one up, one left
    assert!(seen.contains([5, 6, 0, 8, 9, 0, 0, 0, 0].as_slice())); // one down, one right
}

#[test]
fn flips_come_as_often_as_asked() {
    let image = ramp(3, 2, 5);
    let flip = [Augmentation::Flip { probability: 0.3 }];
    let mut flips = 0;
    for i in 0..1000 {
        let out = augment(&flip, &image, &mut Seed::new(2).index(i).stream()).unwrap();
        if out != image {
            assert_eq!(geometry::flip(&out), image);
            flips += 1;
        }
    }
    assert!((flips - 300_i32).abs() < 5 * 15, "{flips}"); // five standard deviations
}

#[test]
fn random_windows_lie_inside_and_keep_their_law() {
    let mut stream = Seed::new(3).stream();
    let (mut share, n) = (0.0, 4000);
    for _ in 0..n {
        let square = ImageShape::new(1, 1000, 1000);
        let w = geometry::random_window(square, [0.08, 1.0], [3.0 / 4.0, 4.0 / 3.0], &mut stream);
        assert!(w.top + w.height <= 1000 && w.left + w.width <= 1000);
        let aspect = w.width as f64 / w.height as f64;
        assert!((0.745..1.34).contains(&aspect), "{w:?}"); // rounded to pixels
        share += (w.height * w.width) as f64 / 1e6 / f64::from(n);
    }
    // A share s at aspect a fits when s ≤ e^(−t), t = |ln a| uniform in [0, T], T = ln 4⁄3; so the mean share is
    // ½ ∫ (e^(−2t) − 0.08²) dt / ∫ (e^(−t) − 0.08) dt.
    let t = (4.0_f64 / 3.0).ln();
    let mean = 0.5 * ((1.0 - 9.0 / 16.0) / 2.0 - 0.0064 * t) / (0.25 - 0.08 * t);
    assert!(
        (share - mean).abs() < 5.0 * 0.25 / f64::from(n).sqrt(),
        "{share}, not {mean}"
    );
    let shape = ImageShape::new(1, 40, 60);
    // Nothing of this ratio fits: the largest central piece.
    let narrow = geometry::random_window(shape, [1.0, 1.0], [0.5, 0.5], &mut stream);
    assert_eq!(
        narrow,
        geometry::Window {
            top: 0,
            left: 20,
            height: 40,
            width: 20
        }
    );
    let wide = geometry::random_window(shape, [1.0, 1.0], [3.0, 3.0], &mut stream);
    assert_eq!(
        wide,
        geometry::Window {
            top: 10,
            left: 0,
            height: 20,
            width: 60
        }
    );
}

#[test]
fn rand_augment_uses_all_its_operations_and_keeps_the_range() {
    let image = pillow()["color"].clone();
    let one = [Augmentation::RandAugment {
        operations: 1,
        magnitude: 14,
    }];
    let mut results: Vec<Image> = Vec::new();
    for i in 0..600 {
        let out = augment(&one, &image, &mut Seed::new(4).index(i).stream()).unwrap();
        assert_eq!(out.shape(), image.shape());
        assert!(Image::new(out.values().to_vec(), out.shape()).is_ok());
        if !results.contains(&out) {
            results.push(out);
        }
    }
    // Nine operations have two signs; of the five without, Equalize leaves so few pixels alone, as Identity does.
    assert_eq!(results.len(), 9 * 2 + 4);
    let two = [Augmentation::RandAugment {
        operations: 2,
        magnitude: 14,
    }];
    let again = |i| augment(&two, &image, &mut Seed::new(5).index(i).stream()).unwrap();
    assert_eq!(again(7), again(7));
    assert!(
        (0..20).any(|i| !results.contains(&again(i))),
        "two operations go further than one"
    );
}

#[test]
fn magnitude_zero_moves_nothing_and_thirty_is_allowed() {
    use rand_augment::{OPERATIONS, Operation, apply};
    let image = pillow()["color"].clone();
    for operation in OPERATIONS {
        let still = !matches!(operation, Operation::AutoContrast | Operation::Solarize);
        let out = apply(operation, image.clone(), 0, true);
        if still {
            assert!(difference(&out, &image) < 1e-3, "{operation:?}");
        }
        let out = apply(operation, image.clone(), 30, false);
        assert!(
            Image::new(out.values().to_vec(), out.shape()).is_ok(),
            "{operation:?}"
        );
    }
}

#[test]
fn any_number_of_channels_and_any_size() {
    for (channels, height, width) in [(1, 1, 1), (2, 3, 1), (3, 1, 7), (5, 4, 4), (1, 8, 8)] {
        let image = ramp(channels, height, width);
        let steps = [
            Augmentation::Crop { padding: 1 },
            Augmentation::RandAugment {
                operations: 4,
                magnitude: 30,
            },
            Augmentation::ResizedCrop {
                height: 3,
                width: 9,
                area: [0.1, 0.9],
                ratio: [0.5, 2.0],
            },
            Augmentation::Flip { probability: 1.0 },
            Augmentation::Resize {
                height: 2,
                width: 2,
            },
        ];
        for i in 0..100 {
            let out = augment(&steps, &image, &mut Seed::new(6).index(i).stream()).unwrap();
            assert_eq!(out.shape(), ImageShape::new(channels, 2, 2));
            assert!(Image::new(out.values().to_vec(), out.shape()).is_ok());
        }
    }
}

#[test]
fn parameters_out_of_range_are_named() {
    let shape = ImageShape::new(3, 8, 8);
    for (step, named) in [
        (Augmentation::Flip { probability: 1.5 }, "flip probability"),
        (
            Augmentation::Flip {
                probability: f64::NAN,
            },
            "flip probability",
        ),
        (Augmentation::Crop { padding: 9 }, "crop padding"),
        (
            Augmentation::Resize {
                height: 0,
                width: 4,
            },
            "image shape",
        ),
        (
            Augmentation::Resize {
                height: usize::MAX,
                width: 4,
            },
            "size to resize to",
        ),
        (
            Augmentation::RandAugment {
                operations: 2,
                magnitude: 31,
            },
            "magnitude",
        ),
        (
            Augmentation::RandAugment {
                operations: 101,
                magnitude: 3,
            },
            "operations",
        ),
        (
            Augmentation::ResizedCrop {
                height: 8,
                width: 8,
                area: [0.0, 1.0],
                ratio: [1.0, 1.0],
            },
            "crop area",
        ),
        (
            Augmentation::ResizedCrop {
                height: 8,
                width: 8,
                area: [0.5, 0.4],
                ratio: [1.0, 1.0],
            },
            "crop area",
        ),
        (
            Augmentation::ResizedCrop {
                height: 8,
                width: 8,
                area: [0.1, 1.0],
                ratio: [1.0, f64::INFINITY],
            },
            "crop ratio",
        ),
    ] {
        let error = output_shape(&[step], shape).unwrap_err().to_string();
        assert!(error.contains(named), "{error}");
    }
    assert!(Image::new(vec![0.5; 5], ImageShape::new(1, 2, 3)).is_err());
    assert!(Image::new(vec![f32::NAN], ImageShape::new(1, 1, 1)).is_err());
}

#[test]
fn profiles_can_hold_augmentations() {
    #[derive(Debug, serde::Deserialize, serde::Serialize)]
    struct Profile {
        steps: Vec<Augmentation>,
    }
    let text =
        r#"steps = [{ kind = "crop", padding = 4 }, { kind = "flip" }, { kind = "rand-augment" }]"#;
    let profile: Profile = toml::from_str(text).unwrap();
    let expected = [
        Augmentation::Crop { padding: 4 },
        Augmentation::Flip { probability: 0.5 },
        Augmentation::RandAugment {
            operations: 2,
            magnitude: 14,
        },
    ];
    assert_eq!(profile.steps, expected);
    let back: Profile = toml::from_str(&toml::to_string(&profile).unwrap()).unwrap();
    assert_eq!(back.steps, expected);
    let error =
        toml::from_str::<Profile>(r#"steps = [{ kind = "crop", pading = 4 }]"#).unwrap_err();
    assert!(error.to_string().contains("pading"), "{error}");
}
