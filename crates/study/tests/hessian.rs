//! Hessian quantities of a trained classifier against its full Hessian.

mod common;

use common::{Fixture, TRAIN, close, fixture};
use ndarray::{Array1, Array2, Axis};
use srr_layers::Variant;
use srr_linalg::Factorization;
use srr_measures::gradients::Mean;
use srr_measures::hessian::{
    Block, DensityOptions, HessianProducts, LanczosOptions, TraceOptions, blocks,
    largest_eigenvalue, spectral_density, trace,
};
use srr_measures::{Images, Role, Subject, When};
use srr_random::Seed;
use srr_study::{
    StopFlag,
    examination::{Densities, Density},
};

/// Second differences column by column, with a step of their own.
fn full_hessian(f: &Fixture, chosen: Images) -> Array2<f64> {
    let flat = f.subject.parameters(When::Now).unwrap();
    let n = flat.len();
    let mut hessian = Array2::zeros((n, n));
    let step = 3e-6;
    for column in 0..n {
        let gradient = |by: f64| {
            let mut moved = flat.to_vec();
            moved[column] += by;
            Array1::from(f.subject.gradient_at(&moved, chosen).unwrap().1)
        };
        let difference = (gradient(step) - gradient(-step)) / (2.0 * step);
        hessian.column_mut(column).assign(&difference);
    }
    (&hessian + &hessian.t()) / 2.0
}

/// The densities of an examination: the network first, then its places as an image passes them, and the mean of each its trace.
#[test]
fn densities_are_those_of_the_blocks() {
    let f = fixture(Variant::Crate);
    let full = full_hessian(&f, Images::fixed(512));
    let mut heard = Vec::new();
    let found = Densities::of(&f.subject, true, &StopFlag::new(), &mut |of| {
        heard.push(of.to_owned());
    });
    let expected = [
        "network",
        "embedding",
        "layer 1",
        "layer 2",
        "head",
        "other",
    ];
    assert_eq!(heard, expected);
    assert_eq!(found.images, TRAIN);
    let parameters: Vec<usize> = found.all.iter().map(|density| density.parameters).collect();
    assert_eq!(parameters[0], full.nrows());
    assert_eq!(parameters[1..].iter().sum::<usize>(), full.nrows());
    let all = blocks(&f.subject).unwrap();
    for density in &found.all[1..] {
        let role = match density.of.as_str() {
            "embedding" => Role::Embedding,
            "layer 1" => Role::Layer(0),
            "layer 2" => Role::Layer(1),
            "head" => Role::Head,
            _ => Role::Other,
        };
        let block = all.iter().find(|block| block.role == role).unwrap();
        check(density, &of_block(&full, block));
    }
    check(&found.all[0], &full);

    let stopped = StopFlag::new();
    stopped.raise();
    let stopped = Densities::of(&f.subject, false, &stopped, &mut |_| {});
    assert!(stopped.stopped && stopped.all.is_empty());
}

/// Rows and columns of a block.
fn of_block(full: &Array2<f64>, block: &Block) -> Array2<f64> {
    let entries: Vec<usize> = block.ranges.iter().cloned().flatten().collect();
    full.select(Axis(0), &entries).select(Axis(1), &entries)
}

/// The nodes of a density lie within the range of the eigenvalues, the outermost at its ends, and their mean is the mean eigenvalue: over
/// n eigenvalues that of one start has a variance below 2Σλ²/n².
fn check(density: &Density, full: &Array2<f64>) {
    let found = density.found.as_ref().unwrap();
    let eigen = Factorization::default().symmetric_eigen(full.view());
    let values = eigen.unwrap().values;
    let (lowest, highest) = (values[0], values[values.len() - 1]);
    let (low, high) = found.range().unwrap();
    let near = 1e-3 * (highest - lowest);
    assert!(
        low > lowest - near && high < highest + near,
        "{}",
        density.of
    );
    assert!(
        (high - highest).abs() < near,
        "{}: {high} {highest}",
        density.of
    );
    let n = values.len() as f64;
    let squares = values.mapv(|value| value * value).sum();
    let deviation = (2.0 * squares / found.starts.len() as f64).sqrt() / n;
    let (mean, estimate) = (values.sum() / n, found.mean_of(|value| value));
    assert!(
        (estimate - mean).abs() < 4.0 * deviation,
        "{}: {estimate} {mean} {deviation}",
        density.of
    );
}

#[test]
fn hessian_quantities_are_those_of_the_full_hessian() {
    let f = fixture(Variant::Crate);
    let chosen = Images::fixed(6);
    let full = full_hessian(&f, chosen);
    let eigenvalues = Factorization::default()
        .symmetric_eigen(full.view())
        .unwrap()
        .values;
    let largest = eigenvalues[eigenvalues.len() - 1];
    let hessian = || HessianProducts::new(&f.subject, chosen).unwrap();
    let options = LanczosOptions::default();
    let found = largest_eigenvalue(&hessian(), &options, Seed::new(1)).unwrap();
    close(found.value.value, largest, 1e-4);

    let blocks = blocks(&f.subject).unwrap();
    let of_roles: Vec<Role> = blocks.iter().map(|block| block.role).collect();
    let expected = [
        Role::Other,
        Role::Embedding,
        Role::Layer(0),
        Role::Layer(1),
        Role::Head,
    ];
    assert_eq!(of_roles.len(), expected.len());
    assert!(expected.iter().all(|role| of_roles.contains(role)));
    assert_eq!(blocks.iter().map(Block::len).sum::<usize>(), full.nrows());
    let probes = TraceOptions { probes: 64 };
    let traces = trace(&hessian(), &blocks, &probes, Seed::new(2)).unwrap();
    let diagonal = |block: &Block| -> f64 {
        let entries = block.ranges.iter().cloned().flatten();
        entries.map(|i| full[[i, i]]).sum()
    };
    let within = |mean: Mean, exact: f64| {
        let allowed = 4.0 * mean.standard_error.unwrap();
        assert!((mean.value - exact).abs() < allowed, "{mean:?} {exact}");
    };
    within(traces.value, full.diag().sum());
    for (block, mean) in &traces.blocks {
        within(*mean, diagonal(block));
        let entries: Vec<usize> = block.ranges.iter().cloned().flatten().collect();
        let of_block = full.select(Axis(0), &entries).select(Axis(1), &entries);
        let values = Factorization::default()
            .symmetric_eigen(of_block.view())
            .unwrap()
            .values;
        let hessian = hessian().of_block(block.clone());
        let found = largest_eigenvalue(&hessian, &options, Seed::new(1)).unwrap();
        close(found.value.value, values[values.len() - 1], 1e-4);
    }

    let quadrature = DensityOptions {
        probes: 16,
        nodes: 30,
    };
    let density = spectral_density(&hessian(), &quadrature, Seed::new(4)).unwrap();
    let n = eigenvalues.len() as f64;
    let second = eigenvalues.iter().map(|v| v * v).sum::<f64>() / n;
    let spread = eigenvalues.iter().map(|v| v.powi(4)).sum::<f64>().sqrt();
    let found = density.mean_of(|v| v * v);
    let deviation = spread * (2.0 / (n * n) / 16.0).sqrt();
    assert!((found - second).abs() < 4.0 * deviation, "{found} {second}");
}
