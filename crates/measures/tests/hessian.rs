//! Hessian quantities against the full Hessian of a softmax regression, which has a closed form.

mod common;

use common::Regression;
use ndarray::{Array2, s};
use srr_linalg::{Factorization, SymmetricEigen};
use srr_measures::hessian::{
    Block, DensityOptions, HessianProducts, LanczosOptions, TraceOptions, largest_eigenvalue,
    spectral_density, trace,
};
use srr_measures::{Images, Registry, Role, Subject, Undefined, Value, evaluate_all};
use srr_random::Seed;

fn eigen(matrix: &Array2<f64>) -> SymmetricEigen<f64> {
    Factorization::default()
        .symmetric_eigen(matrix.view())
        .unwrap()
}

/// 15 parameters, 40 images.
fn regression() -> Regression {
    Regression::random(3, 5, 40, 1)
}

fn products(subject: &Regression) -> HessianProducts<'_> {
    HessianProducts::new(subject, Images::training()).unwrap()
}

#[test]
fn products_are_those_of_the_full_hessian() {
    let subject = regression();
    let full = subject.full_hessian(Images::training());
    for column in 0..15 {
        let mut unit = vec![0.0; 15];
        unit[column] = 3.0; // the step does not depend on the length
        let product = products(&subject).product(&unit).unwrap();
        for row in 0..15 {
            assert!((product[row] - 3.0 * full[[row, column]]).abs() < 1e-6);
        }
    }
    assert_eq!(products(&subject).product(&[0.0; 15]).unwrap(), [0.0; 15]);
    let short = products(&subject).product(&[1.0; 14]);
    assert!(matches!(short, Err(Undefined::Misfit(_))), "{short:?}");
}

#[test]
fn the_largest_eigenvalue_and_its_vector() {
    let subject = regression();
    let full = eigen(&subject.full_hessian(Images::training()));
    let options = LanczosOptions {
        iterations: 15,
        tolerance: 1e-6,
    };
    let found = largest_eigenvalue(&products(&subject), &options, Seed::new(3)).unwrap();
    assert!((found.value.value - full.values[14]).abs() < 1e-6);
    assert!(found.residual < 1e-6, "{}", found.residual);
    let overlap: f64 = full
        .vectors
        .column(14)
        .iter()
        .zip(&found.vector)
        .map(|(a, b)| a * b)
        .sum();
    assert!((overlap.abs() - 1.0).abs() < 1e-6);
    // Eight parts of five images each: vᵀHv of each part.
    let quotients: Vec<f64> = (0..8)
        .map(|i| {
            let v = full.vectors.column(14);
            v.dot(&subject.full_hessian(Images::training().fold(i, 8)).dot(&v))
        })
        .collect();
    let mean = quotients.iter().sum::<f64>() / 8.0;
    let squares: f64 = quotients.iter().map(|q| (q - mean).powi(2)).sum();
    let error = (squares / 7.0 / 8.0).sqrt();
    assert!((found.value.standard_error.unwrap() - error).abs() < 1e-6);
    assert_eq!(found.value.images, 40);
}

#[test]
fn an_iteration_that_may_not_converge_says_so() {
    let options = LanczosOptions {
        iterations: 2,
        tolerance: 1e-9,
    };
    let found = largest_eigenvalue(&products(&regression()), &options, Seed::new(3));
    let reason = found.unwrap_err().to_string();
    assert!(reason.contains("after 2 products"), "{reason}");
}

/// Rows and columns of the second class alone.
fn second_class() -> Block {
    Block {
        role: Role::Layer(1),
        ranges: vec![5..7, 7..10],
    }
}

#[test]
fn a_block_is_a_hessian_of_its_own() {
    let subject = regression();
    let full = subject.full_hessian(Images::training());
    let block = full.slice(s![5..10, 5..10]).to_owned();
    let hessian = products(&subject).of_block(second_class());
    let found = largest_eigenvalue(&hessian, &LanczosOptions::default(), Seed::new(3)).unwrap();
    assert!((found.value.value - eigen(&block).values[4]).abs() < 1e-6);
    assert!(found.iterations <= 5, "the space has five dimensions");
    assert!(
        found
            .vector
            .iter()
            .enumerate()
            .all(|(i, v)| (5..10).contains(&i) || *v == 0.0)
    );
    let empty = Block {
        role: Role::Other,
        ranges: Vec::new(),
    };
    let nothing = HessianProducts::new(&subject, Images::training())
        .unwrap()
        .of_block(empty);
    let found = largest_eigenvalue(&nothing, &LanczosOptions::default(), Seed::new(3));
    assert!(matches!(found, Err(Undefined::Misfit(_))));
}

/// A network without any weight that the loss feels: gradients, and the Hessian, are zero.
#[test]
fn the_largest_eigenvalue_of_zero_is_zero() {
    let flat = Regression {
        inputs: Array2::zeros((6, 4)),
        labels: vec![0, 1, 2, 0, 1, 2],
        weights: regression().weights.slice(s![.., ..4]).to_owned(),
    };
    let found = largest_eigenvalue(&products(&flat), &LanczosOptions::default(), Seed::new(3));
    let found = found.unwrap();
    assert_eq!((found.value.value, found.residual), (0.0, 0.0));
}

/// vᵀHv − tr H of random signs has the variance 2 Σ_{i≠j} H_ij², so the estimate of p probes lies within four of its roots over √p.
#[test]
fn the_trace_lies_within_its_law() {
    let subject = regression();
    let full = subject.full_hessian(Images::training());
    let off: f64 = full
        .indexed_iter()
        .filter(|((i, j), _)| i != j)
        .map(|(_, h)| h * h)
        .sum();
    let exact = full.diag().sum();
    let probes = 200;
    let deviation = (2.0 * off / f64::from(probes)).sqrt();
    let options = TraceOptions {
        probes: probes as usize,
    };
    let blocks = [second_class()];
    let found = trace(&products(&subject), &blocks, &options, Seed::new(5)).unwrap();
    assert!((found.value.value - exact).abs() < 4.0 * deviation);
    let error = found.value.standard_error.unwrap();
    assert!(
        (0.8..1.25).contains(&(error / deviation)),
        "{error} {deviation}"
    );
    let block = full.slice(s![5..10, 5..10]).diag().sum();
    let (_, of_block) = &found.blocks[0];
    assert!((of_block.value - block).abs() < 4.0 * of_block.standard_error.unwrap());
    assert!(found.between_images.unwrap() > 0.0);
}

/// With as many nodes as dimensions the quadrature is exact for its start; the mean over starts estimates the moments.
#[test]
fn the_density_has_the_eigenvalues_for_nodes_and_their_moments() {
    let subject = regression();
    let full = eigen(&subject.full_hessian(Images::training()));
    let options = DensityOptions {
        probes: 300,
        nodes: 15,
    };
    let density = spectral_density(&products(&subject), &options, Seed::new(2)).unwrap();
    let total: f64 = density.masses.iter().map(|mass| mass.1).sum();
    assert!((total - 1.0).abs() < 1e-12);
    // One class is as good as another: five eigenvalues are zero.
    let zero = full
        .values
        .iter()
        .filter(|value| value.abs() < 1e-12)
        .count();
    assert_eq!(zero, 5);
    for (node, share) in &density.masses {
        let nearest = full.values.iter().map(|value| (value - node).abs());
        let nearest = nearest.fold(f64::INFINITY, f64::min);
        assert!(nearest < 1e-5 || *share < 1e-9, "{node} {share}");
    }
    let moment = |power: i32| full.values.iter().map(|v| v.powi(power)).sum::<f64>() / 15.0;
    for power in 1..4 {
        // Shares of a normal start are Dirichlet(1/2): of variance below 2/15² around 1/15.
        let spread = full
            .values
            .iter()
            .map(|v| v.powi(2 * power))
            .sum::<f64>()
            .sqrt();
        let deviation = spread * (2.0_f64 / 225.0 / 300.0).sqrt();
        let found = density.mean_of(|v| v.powi(power));
        assert!((found - moment(power)).abs() < 4.0 * deviation, "{power}");
    }
    // Of a start it is a Beta(5/2, 5) variable, of variance 1/3 · 2/3 / (15/2 + 1).
    let small = density.share(|eigenvalue| eigenvalue <= 1e-5);
    let deviation = (2.0_f64 / 9.0 / 8.5 / 300.0).sqrt();
    assert!(
        (small.value - 1.0 / 3.0).abs() < 4.0 * deviation,
        "{small:?}"
    );
    let error = small.standard_error.unwrap();
    assert!((0.8..1.25).contains(&(error / deviation)), "{error}");
    let width = 0.1;
    let area: f64 = (-300..600)
        .map(|i| density.smoothed(f64::from(i) / 100.0, width) / 100.0)
        .sum();
    assert!((area - 1.0).abs() < 1e-6);
}

#[test]
fn measures_share_the_products_and_scale_by_the_learning_rate() {
    let subject = regression();
    let registry = Registry::built_in();
    let names = [
        "lambda-max",
        "edge-of-stability",
        "hessian-trace",
        "dynamical-stability",
    ];
    let found: Vec<Value> = evaluate_all(&registry.select(&names).unwrap(), &subject)
        .into_iter()
        .map(|outcome| outcome.result.unwrap().value)
        .collect();
    let rate = subject.learning_rate().unwrap();
    assert_eq!(found[1].raw, found[0].raw * rate / 2.0);
    assert_eq!(found[3].raw, found[2].raw * rate / 2.0);
    let error = |value: &Value| value.standard_error.unwrap();
    assert_eq!(error(&found[1]), error(&found[0]) * rate / 2.0);
    let full = eigen(&subject.full_hessian(Images::training()));
    assert!((found[0].raw - full.values[14]).abs() < 1e-5 * full.values[14]);
    // The only block is the head.
    assert_eq!(found[2].part("trace_head", None), Some(found[2].raw));
    assert!(found.iter().all(|value| value.images == Some(40)));
}
