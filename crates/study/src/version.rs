//! Which code this is.

/// Versions for "Where the numbers come from": this crate's, and the commit that was built, `unknown` outside of a clone.
pub(crate) fn versions() -> Vec<(String, String)> {
    [
        ("srr-study", env!("CARGO_PKG_VERSION")),
        ("commit", env!("SRR_COMMIT")),
    ]
    .map(|(name, version)| (name.to_owned(), version.to_owned()))
    .into()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_commit_is_twelve_digits_or_said_to_be_unknown() {
        let versions = super::versions();
        let (name, commit) = &versions[1];
        let digits = commit.trim_end_matches("-dirty");
        let is_commit = digits.len() >= 12 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        assert!(
            name == "commit" && (commit == "unknown" || is_commit),
            "{commit}"
        );
    }
}
