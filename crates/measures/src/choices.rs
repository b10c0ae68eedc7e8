//! Every unsettled convention of the sparse rate reduction, to see what depends on it.

use srr_coding_rate::{
    ClassToken, Conventions, Error, Location, MeasuredNorms, Precision, Sparsity,
};

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

type Change = Box<dyn Fn(Conventions) -> Conventions>;

/// A question with the names of its answers.
type Question = (&'static str, Vec<(String, Change)>);

/// The questions with all their answers, the default's first.
fn questions() -> Result<Vec<Question>, Error> {
    fn option(
        name: &str,
        change: impl Fn(Conventions) -> Conventions + 'static,
    ) -> (String, Change) {
        (name.to_owned(), Box::new(change))
    }
    let precision =
        |name: &str, precision: Precision| option(name, move |c| Conventions { precision, ..c });
    let weight = |lambda: f64| {
        option(&format!("λ = {lambda}"), move |c| Conventions {
            lambda,
            ..c
        })
    };
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
                option("raw count", |c| Conventions {
                    sparsity: Sparsity::Count,
                    ..c
                }),
                option("share of non-zeros", |c| Conventions {
                    sparsity: Sparsity::Density,
                    ..c
                }),
            ],
        ),
        (
            "class token",
            vec![
                option("counted", |c| Conventions {
                    class_token: ClassToken::Counted,
                    ..c
                }),
                option("left out", |c| Conventions {
                    class_token: ClassToken::LeftOut,
                    ..c
                }),
            ],
        ),
        (
            "token normalization",
            vec![
                option("none", |c| Conventions {
                    unit_tokens: false,
                    ..c
                }),
                option("unit length", |c| Conventions {
                    unit_tokens: true,
                    ..c
                }),
            ],
        ),
        (
            "where the compressed rate is read",
            vec![
                option("output of the layer", |c| Conventions {
                    location: Location::LayerOutput,
                    ..c
                }),
                option("input of the attention", |c| Conventions {
                    location: Location::AttentionInput,
                    ..c
                }),
            ],
        ),
        (
            "layer norms while measuring",
            vec![
                option("removed", |c| Conventions {
                    norms: MeasuredNorms::Removed,
                    ..c
                }),
                option("kept", |c| Conventions {
                    norms: MeasuredNorms::Kept,
                    ..c
                }),
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
            conventions: change(default),
        }));
    }
    choices.push(Choice {
        question: "all at once".to_owned(),
        option: "the official hook (ε² = 0.01)".to_owned(),
        conventions: Conventions::official_hook(0.01)?,
    });
    Ok(choices)
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
                    conventions: change(choice.conventions),
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

    #[test]
    fn combinations_are_complete_and_begin_with_the_default() {
        let choices = every_combination().unwrap();
        assert_eq!(choices.len(), 4 * 3 * 32);
        assert_eq!(choices[0].conventions, Conventions::new());
        let distinct: std::collections::BTreeSet<_> = choices.iter().map(|c| &c.option).collect();
        assert_eq!(distinct.len(), choices.len());
    }
}
