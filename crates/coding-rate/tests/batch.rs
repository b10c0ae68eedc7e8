//! The sparse rate reduction of a batch with its gradients: what single images give, for any number of threads.

mod common;

use common::{conventions, random};
use ndarray::{Array2, Array3, ArrayView3, Axis};
use srr_coding_rate::{
    Bases, ClassToken, Conventions, Error, LayerTokens, Location, batch,
    sparse_rate_reduction_with_gradient,
};

/// Four images of [3, 6], fewer tokens than dimensions, or of [9, 6].
fn images(tokens: usize, purpose: &str) -> Array3<f64> {
    random(4 * tokens, 6, purpose)
        .into_shape_with_order((4, tokens, 6))
        .unwrap()
}

fn single<'a>(
    output: &'a Array3<f64>,
    input: &'a Array3<f64>,
    image: usize,
) -> LayerTokens<'a, f64> {
    LayerTokens {
        output: output.index_axis(Axis(0), image),
        attention_input: Some(input.index_axis(Axis(0), image)),
    }
}

#[test]
fn a_batch_gives_what_its_images_give_under_every_convention() {
    for (tokens, conventions) in [3, 9]
        .into_iter()
        .flat_map(|n| conventions().map(|c| (n, c)))
    {
        let (output, input) = (images(tokens, "output"), images(tokens, "input"));
        let w = random(4, 6, "bases");
        let bases = Bases::from_stacked(w.view(), 2).unwrap();
        let found = batch::sparse_rate_reduction_with_gradient(
            output.view(),
            Some(input.view()),
            &bases,
            &conventions,
        )
        .unwrap();
        let terms =
            batch::sparse_rate_reduction(output.view(), Some(input.view()), &bases, &conventions);
        assert_eq!(found.terms, terms.unwrap());
        let mut stacked_bases = Array2::<f64>::zeros(w.dim());
        for image in 0..4 {
            let one = single(&output, &input, image);
            let one = sparse_rate_reduction_with_gradient(one, &bases, &conventions).unwrap();
            assert_eq!(found.terms[image], one.terms);
            assert_eq!(found.output.index_axis(Axis(0), image), one.output);
            let of_input = found.attention_input.as_ref();
            assert_eq!(
                of_input.map(|gradient| gradient.index_axis(Axis(0), image)),
                one.attention_input.as_ref().map(|gradient| gradient.view())
            );
            stacked_bases += &one.stacked_bases;
        }
        let scale = stacked_bases.iter().fold(1.0_f64, |m, x| m.max(x.abs()));
        let error = (&found.stacked_bases - &stacked_bases).mapv(f64::abs);
        assert!(
            error.iter().all(|&e| e <= 1e-12 * scale),
            "{conventions:?}: {error}"
        );
    }
}

#[test]
fn the_bits_do_not_depend_on_the_number_of_threads() {
    let (output, input) = (images(9, "output"), images(9, "input"));
    let w = random(6, 6, "bases");
    let bases = Bases::from_stacked(w.view(), 3).unwrap();
    let conventions = Conventions::official_hook(0.1).unwrap();
    let in_pool = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.unwrap().install(|| {
            batch::sparse_rate_reduction_with_gradient(
                output.view(),
                Some(input.view()),
                &bases,
                &conventions,
            )
            .unwrap()
        })
    };
    let one = in_pool(1);
    for threads in [2, 3, 5] {
        assert_eq!(in_pool(threads), one);
    }
}

#[test]
fn a_batch_refuses_what_an_image_refuses() {
    let w = Array2::eye(6);
    let bases = Bases::from_stacked(w.view(), 2).unwrap();
    let error = |output: ArrayView3<'_, f64>, input, conventions| {
        batch::sparse_rate_reduction_with_gradient(output, input, &bases, conventions).unwrap_err()
    };
    let (mut output, short) = (images(3, "output"), images(2, "input"));
    let default = Conventions::default();
    let mismatch = |tokens: &[usize], other: &[usize]| Error::ShapeMismatch {
        operation: "sparse_rate_reduction",
        tokens: tokens.to_vec(),
        other: other.to_vec(),
    };
    assert_eq!(
        error(output.view(), Some(short.view()), &default),
        mismatch(&[4, 3, 6], &[4, 2, 6])
    );
    // A single image too, whose gradients could not have one shape.
    let hook = Conventions::official_hook(0.1).unwrap();
    let one = sparse_rate_reduction_with_gradient(single(&output, &short, 1), &bases, &hook);
    assert_eq!(one.unwrap_err(), mismatch(&[3, 6], &[2, 6]));

    let at_input = Conventions {
        location: Location::AttentionInput,
        ..default
    };
    assert_eq!(
        error(output.view(), None, &at_input),
        Error::MissingAttentionInput
    );
    let left_out = Conventions {
        class_token: ClassToken::LeftOut,
        ..default
    };
    for tokens in [0, 1] {
        let output = Array3::zeros((2, tokens, 6));
        assert_eq!(error(output.view(), None, &left_out), Error::OnlyClassToken);
    }
    output[[2, 1, 4]] = f64::NAN;
    output[[3, 0, 0]] = f64::NAN;
    let first = Error::NotFinite {
        what: "tokens",
        index: vec![2, 1, 4],
    };
    assert_eq!(error(output.view(), None, &default), first);
}
