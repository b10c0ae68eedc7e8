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

/// An error if a folder to write into is a file, or would have to lie in one.
pub(crate) fn is_folder(output: &Path) -> Result<(), String> {
    let there = output.ancestors().find(|path| path.exists());
    match there {
        Some(path) if !path.is_dir() => Err(format!(
            "--out {}: {} is a file, expected a folder",
            output.display(),
            path.display()
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_no_folder_and_holds_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a");
        fs::write(&file, "").unwrap();
        for out in [file.clone(), file.join("b")] {
            let said = is_folder(&out).unwrap_err();
            assert!(said.ends_with("a is a file, expected a folder"), "{said}");
        }
        assert!(is_folder(folder.path()).is_ok());
        assert!(is_folder(&folder.path().join("b").join("c")).is_ok());
        assert!(is_folder(Path::new("neither-here-nor-there")).is_ok());
    }

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
