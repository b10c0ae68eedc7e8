//! Sparse rate reductions of a whole network, under many conventions in as few passes as possible.

use std::ops::ControlFlow;

use ndarray::{Array2, ArrayView3, Axis, s};
use rayon::prelude::*;
use srr_coding_rate::{
    Bases, ClassToken, Coding, Conventions, Location, MeasuredNorms, SparseRateReduction, batch,
    compressed_rate_of_projections,
};

use crate::measure::{Undefined, Value};
use crate::subject::{Images, LayerBatch, Subject, TokenPass};

/// The terms of the sparse rate reduction of every layer, averaged over images.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkRates {
    /// One entry per layer.
    pub layers: Vec<SparseRateReduction>,
    /// Number of images averaged over.
    pub images: usize,
}

impl NetworkRates {
    /// The mean of μ over layers.
    pub fn mean(&self, conventions: &Conventions) -> f64 {
        let total: f64 = self.layers.iter().map(|l| l.value_under(conventions)).sum();
        total / self.layers.len() as f64
    }

    /// The mean of μ with its terms, over layers and per layer.
    pub fn value(&self, conventions: &Conventions) -> Value {
        let mut value = Value::new(self.mean(conventions)).with_images(self.images);
        let list = |value: Value, terms: &SparseRateReduction, layer: Option<usize>| {
            value
                .with_part("compressed_rate", layer, terms.compressed_rate)
                .with_part("coding_rate", layer, terms.coding_rate)
                .with_part("nonzeros", layer, terms.nonzeros)
                .with_part("density", layer, terms.density)
        };
        if let Some(mean) = SparseRateReduction::mean(&self.layers) {
            value = list(value, &mean, None);
        }
        for (layer, terms) in self.layers.iter().enumerate() {
            value = value.with_part("mu", Some(layer), terms.value_under(conventions));
            value = list(value, terms, Some(layer));
        }
        value
    }
}

/// The rates of a network under each of `conventions`.
///
/// There is one pass over the tokens for each state of the norms. Within it, R, R^c and ‖Z‖₀ are computed once for all conventions that
/// agree on what they depend on, and tokens are projected once for all precisions: conventions which differ in λ or in the meaning of
/// ‖Z‖₀ alone cost nothing.
pub fn network_rates(
    subject: &dyn Subject,
    conventions: &[Conventions],
    images: Images,
) -> Vec<Result<NetworkRates, Undefined>> {
    let mut found: Vec<Option<Result<NetworkRates, Undefined>>> = vec![None; conventions.len()];
    for norms in [MeasuredNorms::Removed, MeasuredNorms::Kept] {
        let (positions, chosen): (Vec<usize>, Vec<Conventions>) = conventions
            .iter()
            .enumerate()
            .filter(|(_, c)| c.norms == norms)
            .unzip();
        if chosen.is_empty() {
            continue;
        }
        let results = one_pass(subject, &chosen, norms, images);
        for (position, result) in positions.into_iter().zip(results) {
            found[position] = Some(result);
        }
    }
    // Norms are removed or kept; every position was filled.
    found.into_iter().flatten().collect()
}

fn one_pass(
    subject: &dyn Subject,
    conventions: &[Conventions],
    norms: MeasuredNorms,
    images: Images,
) -> Vec<Result<NetworkRates, Undefined>> {
    let mut plan = Plan::new(conventions);
    let pass = TokenPass {
        norms,
        attention_inputs: conventions
            .iter()
            .any(|c| c.location == Location::AttentionInput),
        images,
    };
    let outcome = subject.layer_tokens(&pass, &mut |batch| plan.add(batch));
    match outcome {
        Ok(()) => (0..conventions.len()).map(|i| plan.result(i)).collect(),
        Err(unavailable) => vec![Err(unavailable.into()); conventions.len()],
    }
}

/// A quantity per layer, summed over images; or why it does not exist.
type Sums = Result<Vec<f64>, Undefined>;

/// Which distinct quantities there are, and their sums so far.
struct Plan {
    /// R, by what it depends on.
    rates: Vec<((Coding, ClassToken), Sums)>,
    /// R^c, by what it depends on.
    compressed: Vec<((Coding, ClassToken, Location), Sums)>,
    /// ‖Z‖₀ and its share.
    nonzeros: Vec<(ClassToken, Sums, Sums)>,
    /// Positions in the three lists, for every convention.
    positions: Vec<[usize; 3]>,
    images: usize,
}

/// The position of `key` in the list, where `new` makes an entry if there is none.
fn position<K: PartialEq, E>(
    list: &mut Vec<E>,
    key: &K,
    of: impl Fn(&E) -> &K,
    new: impl FnOnce() -> E,
) -> usize {
    if let Some(found) = list.iter().position(|entry| of(entry) == key) {
        return found;
    }
    list.push(new());
    list.len() - 1
}

impl Plan {
    fn new(conventions: &[Conventions]) -> Self {
        let mut plan = Self {
            rates: Vec::new(),
            compressed: Vec::new(),
            nonzeros: Vec::new(),
            positions: Vec::new(),
            images: 0,
        };
        let empty = || Ok(Vec::new());
        for c in conventions {
            let rate = (c.coding(), c.class_token);
            let compressed = (c.coding(), c.class_token, c.location);
            plan.positions.push([
                position(&mut plan.rates, &rate, |e| &e.0, || (rate, empty())),
                position(
                    &mut plan.compressed,
                    &compressed,
                    |e| &e.0,
                    || (compressed, empty()),
                ),
                position(
                    &mut plan.nonzeros,
                    &c.class_token,
                    |e| &e.0,
                    || (c.class_token, empty(), empty()),
                ),
            ]);
        }
        plan
    }

    fn add(&mut self, batch: &LayerBatch<'_>) -> ControlFlow<()> {
        if batch.layer == 0 {
            self.images += batch.output.dim().0;
        }
        let bases = bases(batch);
        for ((coding, class), sums) in &mut self.rates {
            accumulate(sums, batch.layer, || {
                let tokens = measured(batch.output, *class)?;
                let head_dim = bases.as_ref().map_err(Clone::clone)?.head_dim();
                batch::coding_rate(tokens, *coding, head_dim).map_err(failed)
            });
        }
        for location in [Location::LayerOutput, Location::AttentionInput] {
            let here = self.compressed.iter_mut().filter(|e| e.0.2 == location);
            let mut here = here.peekable();
            if here.peek().is_some() {
                let projected = bases
                    .as_ref()
                    .map_err(Clone::clone)
                    .and_then(|bases| project(batch, bases, location));
                for ((coding, class, _), sums) in here {
                    accumulate(sums, batch.layer, || {
                        let (projected, heads) = projected.as_ref().map_err(Clone::clone)?;
                        compressed_rates(projected, *heads, *coding, *class)
                    });
                }
            }
        }
        for (class, counts, shares) in &mut self.nonzeros {
            let tokens = measured(batch.output, *class);
            accumulate(counts, batch.layer, || tokens.clone().map(count_nonzeros));
            accumulate(shares, batch.layer, || {
                let tokens = tokens.clone()?;
                let size = (tokens.dim().1 * tokens.dim().2) as f64;
                Ok(count_nonzeros(tokens)
                    .into_iter()
                    .map(|n| n / size)
                    .collect())
            });
        }
        let alive = self.compressed.iter().any(|(_, sums)| sums.is_ok());
        if alive {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    }

    fn result(&self, convention: usize) -> Result<NetworkRates, Undefined> {
        let [rate, compressed, nonzeros] = self.positions[convention];
        let (_, counts, shares) = &self.nonzeros[nonzeros];
        let sums = [
            &self.compressed[compressed].1,
            &self.rates[rate].1,
            counts,
            shares,
        ];
        let [compressed, rate, counts, shares] = sums.map(|sums| sums.as_deref());
        let (compressed, rate) = (
            compressed.map_err(Clone::clone)?,
            rate.map_err(Clone::clone)?,
        );
        let (counts, shares) = (counts.map_err(Clone::clone)?, shares.map_err(Clone::clone)?);
        if self.images == 0 || rate.is_empty() {
            return Err(Undefined::Misfit("no image, or no layer".to_owned()));
        }
        let n = self.images as f64;
        let layers = (0..rate.len()).map(|layer| SparseRateReduction {
            compressed_rate: compressed[layer] / n,
            coding_rate: rate[layer] / n,
            nonzeros: counts[layer] / n,
            density: shares[layer] / n,
        });
        Ok(NetworkRates {
            layers: layers.collect(),
            images: self.images,
        })
    }
}

/// Adds the values of a batch's images, in their order, unless an earlier batch had none.
fn accumulate(sums: &mut Sums, layer: usize, values: impl FnOnce() -> Result<Vec<f64>, Undefined>) {
    let Ok(totals) = sums else { return };
    match values() {
        Ok(values) => {
            if totals.len() <= layer {
                totals.resize(layer + 1, 0.0);
            }
            values.iter().for_each(|value| totals[layer] += value);
        }
        Err(undefined) => *sums = Err(undefined),
    }
}

fn bases<'a>(batch: &LayerBatch<'a>) -> Result<Bases<'a, f64>, Undefined> {
    let given = batch
        .bases
        .ok_or_else(|| Undefined::Misfit(format!("layer {} has no subspace bases", batch.layer)))?;
    Bases::from_stacked(given.stacked, given.heads).map_err(failed)
}

/// The projections [N, K·p] of every image's tokens onto all heads, and the number of heads.
fn project(
    batch: &LayerBatch<'_>,
    bases: &Bases<'_, f64>,
    location: Location,
) -> Result<(Vec<Array2<f64>>, usize), Undefined> {
    let tokens = match location {
        Location::LayerOutput => batch.output,
        Location::AttentionInput => batch
            .attention_input
            .ok_or_else(|| Undefined::Misfit("the layer shows no attention input".to_owned()))?,
    };
    let images = tokens.axis_iter(Axis(0)).into_par_iter();
    let projected: Vec<_> = images.map(|image| bases.project(image)).collect();
    let projected: Result<Vec<_>, _> = projected.into_iter().collect();
    Ok((projected.map_err(failed)?, bases.heads()))
}

/// R^c of every image, [B].
fn compressed_rates(
    projected: &[Array2<f64>],
    heads: usize,
    coding: Coding,
    class: ClassToken,
) -> Result<Vec<f64>, Undefined> {
    let first = match class {
        ClassToken::Counted => 0,
        ClassToken::LeftOut => 1,
    };
    if projected.iter().any(|image| image.nrows() <= first) {
        return Err(only_class_token());
    }
    let rate = |image: &Array2<f64>| {
        compressed_rate_of_projections(image.slice(s![first.., ..]), heads, coding)
    };
    let rates: Vec<_> = projected.par_iter().map(rate).collect();
    rates.into_iter().map(|rate| rate.map_err(failed)).collect()
}

fn only_class_token() -> Undefined {
    Undefined::Misfit("no token is left without the class token".to_owned())
}

fn measured(
    tokens: ArrayView3<'_, f64>,
    class: ClassToken,
) -> Result<ArrayView3<'_, f64>, Undefined> {
    match class {
        ClassToken::Counted => Ok(tokens),
        ClassToken::LeftOut if tokens.dim().1 < 2 => Err(only_class_token()),
        ClassToken::LeftOut => Ok(tokens.slice_move(s![.., 1.., ..])),
    }
}

fn count_nonzeros(tokens: ArrayView3<'_, f64>) -> Vec<f64> {
    let count = |image: ndarray::ArrayView2<'_, f64>| image.iter().filter(|z| **z != 0.0).count();
    tokens
        .outer_iter()
        .map(|image| count(image) as f64)
        .collect()
}

fn failed(error: srr_coding_rate::Error) -> Undefined {
    match error {
        srr_coding_rate::Error::NotFinite { what, index } => Undefined::NonFinite {
            what: format!("{what} {index:?}"),
        },
        srr_coding_rate::Error::Overflow { what, .. }
        | srr_coding_rate::Error::Resolution { what, .. } => Undefined::NonFinite {
            what: format!("the Gram matrix of {what}"),
        },
        other => Undefined::Failed {
            what: "a coding rate",
            reason: other.to_string(),
        },
    }
}
