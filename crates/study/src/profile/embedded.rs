//! The profiles that come with the crate.

/// The profile taken when none is named.
pub const DEFAULT: &str = "digits";

/// Names and texts, from the shortest study to the longest.
const PROFILES: [(&str, &str); 5] = [
    ("smoke", include_str!("../../profiles/smoke.toml")),
    ("digits", include_str!("../../profiles/digits.toml")),
    (
        "digits-full",
        include_str!("../../profiles/digits-full.toml"),
    ),
    (
        "cifar10-small",
        include_str!("../../profiles/cifar10-small.toml"),
    ),
    ("paper", include_str!("../../profiles/paper.toml")),
];

/// The text of the embedded profile of this name.
#[must_use]
pub fn embedded(name: &str) -> Option<&'static str> {
    PROFILES
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, text)| *text)
}

/// Names of the embedded profiles, from the shortest study to the longest.
pub fn names() -> impl Iterator<Item = &'static str> {
    PROFILES.iter().map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::super::Profile;

    #[test]
    fn every_embedded_profile_reads_and_is_named_after_itself() {
        for name in super::names() {
            assert_eq!(Profile::load(name).unwrap().name, name);
        }
        assert!(super::embedded(super::DEFAULT).is_some());
    }
}
