//! Files that commands write.

use std::{fs, path::Path};

/// An error if `output` is one of the files that are read: writing it would destroy what was asked about.
pub(crate) fn is_no_input(output: &Path, inputs: &[&Path]) -> Result<(), String> {
    // A file that is not there is no input.
    let Ok(place) = fs::canonicalize(output) else {
        return Ok(());
    };
    let same = |input: &&&Path| fs::canonicalize(input).is_ok_and(|input| input == place);
    match inputs.iter().find(same) {
        Some(input) => Err(format!(
            "the output {} is the input {}; choose another file",
            output.display(),
            input.display()
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_file_by_another_name_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let (input, other) = (folder.path().join("a"), folder.path().join("b"));
        fs::write(&input, "").unwrap();
        let detour = folder.path().join(".").join("a");
        assert!(
            is_no_input(&detour, &[&other, &input])
                .unwrap_err()
                .contains("is the input")
        );
        assert!(is_no_input(&other, &[&input]).is_ok());
        fs::write(&other, "").unwrap();
        assert!(is_no_input(&other, &[&input]).is_ok());
    }
}
