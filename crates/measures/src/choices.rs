//! Every unsettled convention, of the sparse rate reduction and of the other measures, to see what depends on it.

use srr_coding_rate::{
    ClassToken, Conventions, Error, Location, MeasuredNorms, Precision, Sparsity,
};

use crate::options::Options;
use crate::search::ReferenceNoise;
use crate::shared::NegativeMargin;
use crate::subject::{Images, Scope};

/// One way to settle the conventions.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// Which question it answers in another way than the default; `default` for the default itself.
    pub question: String,
    /// The answer.
    pub option: String,
    /// All conventions with this answer.
    pub conventions: Conventions,
}

type Change = Box<dyn Fn(&mut Conventions)>;

/// A question with the names of its answers.
type Question = (&'static str, Vec<(String, Change)>);

/// The questions with all their answers, the default's first.
fn questions() -> Result<Vec<Question>, Error> {
    fn option(name: &str, change: impl Fn(&mut Conventions) + 'static) -> (String, Change) {
        (name.to_owned(), Box::new(change))
    }
    let precision = |name, precision| option(name, move |c| c.precision = precision);
    let weight = |lambda| option(&format!("λ = {lambda}"), move |c| c.lambda = lambda);
    Ok(vec![
        (
            "precision",
            vec![
                precision("γ = 1 (ε² = p/N)", Precision::unit_gamma()),
                precision("ε = 0.5", Precision::from_epsilon(0.5)?),
                precision("ε = 0.1", Precision::from_epsilon(0.1)?),
                precision("ε² = 0.1", Precision::from_epsilon_squared(0.1)?),
            ],
        ),
        (
            "weight of sparsity",
            vec![weight(0.1), weight(0.0), weight(1.0)],
        ),
        (
            "‖Z‖₀",
            vec![
                option("raw count", |c| c.sparsity = Sparsity::Count),
                option("share of non-zeros", |c| c.sparsity = Sparsity::Density),
            ],
        ),
        (
            "class token",
            vec![
                option("counted", |c| c.class_token = ClassToken::Counted),
                option("left out", |c| c.class_token = ClassToken::LeftOut),
            ],
        ),
        (
            "token normalization",
            vec![
                option("none", |c| c.unit_tokens = false),
                option("unit length", |c| c.unit_tokens = true),
            ],
        ),
        (
            "where the compressed rate is read",
            vec![
                option("output of the layer", |c| {
                    c.location = Location::LayerOutput;
                }),
                option("input of the attention", |c| {
                    c.location = Location::AttentionInput;
                }),
            ],
        ),
        (
            "layer norms while measuring",
            vec![
                option("removed", |c| c.norms = MeasuredNorms::Removed),
                option("kept", |c| c.norms = MeasuredNorms::Kept),
            ],
        ),
    ])
}

/// The default, every convention changed alone, and the official hook's own choices.
///
/// # Errors
/// None in practice: the precisions listed are positive.
pub fn one_at_a_time() -> Result<Vec<Choice>, Error> {
    let default = Conventions::new();
    let mut choices = vec![Choice {
        question: "default".to_owned(),
        option: "all defaults".to_owned(),
        conventions: default,
    }];
    for (question, options) in questions()? {
        choices.extend(options.into_iter().skip(1).map(|(option, change)| Choice {
            question: question.to_owned(),
            option,
            conventions: changed(default, &change),
        }));
    }
    choices.push(Choice {
        question: "all at once".to_owned(),
        option: "the official hook (ε² = 0.01)".to_owned(),
        conventions: Conventions::official_hook(0.01)?,
    });
    Ok(choices)
}

/// One way to settle a question that measures other than the sparse rate reduction leave open.
#[derive(Clone, Debug, PartialEq)]
pub struct MeasureChoice {
    /// Which question it answers in another way than the default.
    pub question: &'static str,
    /// The answer.
    pub option: &'static str,
    /// All options with this answer.
    pub options: Options,
}

/// Every question that the other measures leave open, answered alone in another way than by default; all else as in `usual`.
///
/// Which measures an answer reaches shows in their [`settings`](crate::Measure::settings):
/// ```
/// use srr_measures::{Registry, choices};
///
/// let usual = Registry::built_in();
/// let choice = &choices::of_measures(usual.options())[0];
/// let changed = Registry::with_options(&choice.options);
/// let moves = |name: &str| Ok::<_, srr_measures::Error>(usual.get(name)?.settings() != changed.get(name)?.settings());
/// assert_eq!(choice.question, "a margin that is not positive");
/// assert!(moves("inverse-margin")? && !moves("param-norm")?);
/// # Ok::<(), srr_measures::Error>(())
/// ```
#[must_use]
pub fn of_measures(usual: &Options) -> Vec<MeasureChoice> {
    let alone = |question, option, change: &dyn Fn(&mut Options)| {
        let mut options = *usual;
        change(&mut options);
        MeasureChoice {
            question,
            option,
            options,
        }
    };
    vec![
        alone(
            "a margin that is not positive",
            "taken without its sign, as in the public code",
            &|options| options.negative = NegativeMargin::AbsoluteValue,
        ),
        alone(
            "what counts as a weight",
            "every trainable tensor",
            &|options| options.scope = Scope::AllTrainable,
        ),
        alone(
            "noise of size σ",
            "deviation σ², as in the public code",
            &|options| options.noise = ReferenceNoise::Variance,
        ),
        alone(
            "images that the loss is taken on",
            "256 instead of 512",
            &|options| options.images = Images::fixed(256),
        ),
    ]
}

fn changed(mut conventions: Conventions, change: &Change) -> Conventions {
    change(&mut conventions);
    conventions
}

/// Every combination of all answers, the last question varying fastest.
///
/// # Errors
/// As [`one_at_a_time`].
pub fn every_combination() -> Result<Vec<Choice>, Error> {
    let start = Choice {
        question: "all".to_owned(),
        option: String::new(),
        conventions: Conventions::new(),
    };
    let mut choices = vec![start];
    for (_, options) in questions()? {
        let extend = |choice: &Choice| -> Vec<Choice> {
            let with = |(name, change): &(String, Change)| {
                let parts = [choice.option.as_str(), name.as_str()];
                let named = parts.iter().filter(|part| !part.is_empty());
                Choice {
                    question: choice.question.clone(),
                    option: named.copied().collect::<Vec<_>>().join(", "),
                    conventions: changed(choice.conventions, change),
                }
            };
            options.iter().map(with).collect()
        };
        choices = choices.iter().flat_map(extend).collect();
    }
    Ok(choices)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alone_each_choice_differs_from_the_default_and_from_all_others() {
        let choices = one_at_a_time().unwrap();
        assert_eq!(choices.len(), 1 + 3 + 2 + 5 + 1);
        for (i, a) in choices.iter().enumerate() {
            for b in &choices[..i] {
                assert_ne!(a.conventions, b.conventions, "{a:?}");
            }
        }
    }

    /// Every answer reaches a measure, and only by what it says.
    #[test]
    fn choices_of_measures_reach_measures_that_say_so() {
        let usual = crate::Registry::built_in();
        for choice in of_measures(usual.options()) {
            let changed = crate::Registry::with_options(&choice.options);
            let moved: Vec<&str> = usual
                .iter()
                .filter(|m| changed.get(m.name()).unwrap().settings() != m.settings())
                .map(|measure| measure.name())
                .collect();
            let expected = match choice.question {
                "a margin that is not positive" => "inverse-margin",
                "what counts as a weight" => "param-norm",
                "noise of size σ" => "pacbayes-init",
                "images that the loss is taken on" => "gradient-norm",
                other => panic!("{other} has no measure that it reaches"),
            };
            assert!(moved.contains(&expected), "{}: {moved:?}", choice.question);
            assert!(!moved.contains(&"srr"), "{}", choice.question);
        }
    }

    #[test]
    fn combinations_are_complete_and_begin_with_the_default() {
        let choices = every_combination().unwrap();
        assert_eq!(choices.len(), 4 * 3 * 32);
        assert_eq!(choices[0].conventions, Conventions::new());
        let distinct: std::collections::BTreeSet<_> = choices.iter().map(|c| &c.option).collect();
        assert_eq!(distinct.len(), choices.len());
    }
}
