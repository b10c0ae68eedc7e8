//! What a source file must hold and what it must not.

/// Opens a file, but for crates whose front page is their README.
const HEADERS: [&str; 2] = ["//!", "#![doc = include_str!"];
/// Names of devices and what belongs to one.
const DEVICES: [&str; 3] = ["Cpu<", "Cpu::", "cuda"];
/// Calls that write to the terminal or end the program.
const PRINTS: [&str; 5] = [
    "println!(",
    "eprintln!(",
    "print!(",
    "eprint!(",
    "process::exit(",
];
/// Calls that panic. `expect` and `unreachable!` are no such calls: they stand where a panic is impossible, and their text says why.
const PANICS: [&str; 4] = [".unwrap()", "panic!(", "todo!(", "unimplemented!("];

/// Adds what is wrong with the file `name`, relative to the workspace, to `findings`.
pub(super) fn check(name: &str, text: &str, findings: &mut Vec<String>) {
    let head = text.trim_start();
    if !HEADERS.iter().any(|header| head.starts_with(header)) {
        findings.push(format!(
            "{name}: does not open with a `//!` line that says what it is"
        ));
    }
    if !name.starts_with("crates/") || !name.contains("/src/") {
        return;
    }
    let code = without_tests(name, text);
    // Invariant 2: layers are written on the Backend trait alone.
    if name.starts_with("crates/layers/") {
        forbid(
            name,
            code,
            &DEVICES,
            "layers must not name a device",
            findings,
        );
    }
    // Invariant 8: a library neither prints nor exits nor panics.
    forbid(
        name,
        text,
        &PRINTS,
        "a library does not print or exit",
        findings,
    );
    forbid(name, code, &PANICS, "a library does not panic", findings);
    check_errors(name, code, findings);
}

/// The part of a library's file that runs outside tests. The conformance suite is itself a test, of backends.
fn without_tests<'a>(name: &str, text: &'a str) -> &'a str {
    let of_tests = ["/tests.rs", "/tests/", "/conformance/"];
    if of_tests.iter().any(|part| name.contains(part)) {
        return "";
    }
    let end = text.find("#[cfg(test)]\nmod tests {");
    &text[..end.unwrap_or(text.len())]
}

/// Adds every line of code, comments left out, that holds one of the texts.
fn forbid(name: &str, code: &str, texts: &[&str], why: &str, findings: &mut Vec<String>) {
    for (number, line) in code.lines().enumerate() {
        let is_code = !line.trim_start().starts_with("//");
        if is_code && texts.iter().any(|text| line.contains(text)) {
            findings.push(format!("{name}:{}: {why}", number + 1));
        }
    }
}

/// Invariant 8: whoever matches on an error is ready for a new variant.
fn check_errors(name: &str, code: &str, findings: &mut Vec<String>) {
    let mut attributes = String::new();
    for (number, line) in code.lines().enumerate() {
        let line = line.trim();
        if line.starts_with("pub enum ")
            && attributes.contains("thiserror::Error")
            && !attributes.contains("#[non_exhaustive]")
        {
            findings.push(format!(
                "{name}:{}: an error enum is `#[non_exhaustive]`",
                number + 1
            ));
        }
        if line.is_empty() || line.ends_with('}') || line.ends_with(';') {
            attributes.clear();
        } else {
            attributes.push_str(line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::check;

    fn findings(name: &str, text: &str) -> Vec<String> {
        let mut found = Vec::new();
        check(name, text, &mut found);
        found
    }

    #[test]
    fn a_file_without_header_a_device_in_layers_and_a_print_are_found() {
        assert_eq!(findings("crates/x/src/a.rs", "fn f() {}").len(), 1);
        assert_eq!(
            findings("crates/layers/src/a.rs", "//! A.\nfn f(b: Cpu<f32>) {}").len(),
            1
        );
        assert_eq!(
            findings("crates/x/src/a.rs", "//! A.\nfn f() { println!(\"x\"); }").len(),
            1
        );
        assert!(findings("crates/x/src/a.rs", "//! A.\n/// println!(no)\nfn f() {}").is_empty());
    }

    #[test]
    fn a_panic_is_found_in_a_library_and_let_pass_in_its_tests() {
        for call in [
            "f().unwrap()",
            "panic!(\"x\")",
            "todo!()",
            "unimplemented!()",
        ] {
            let text = format!("//! A.\nfn g() {{ {call} }}\n");
            let tested = format!("//! A.\n#[cfg(test)]\nmod tests {{\n{call}\n}}\n");
            assert_eq!(
                findings("crates/x/src/a.rs", &text),
                ["crates/x/src/a.rs:2: a library does not panic"]
            );
            assert!(findings("crates/x/src/a.rs", &tested).is_empty());
            assert!(findings("crates/x/src/tests.rs", &text).is_empty());
            assert!(findings("crates/x/tests/a.rs", &text).is_empty());
        }
    }

    #[test]
    fn an_error_enum_that_is_exhaustive_is_found() {
        let head = "//! A.\n\n/// What fails.\n#[derive(Debug, thiserror::Error)]\n";
        let body =
            "pub enum Error {\n    /// A.\n    #[error(\"a\")]\n    A,\n}\n\npub enum Other {}\n";
        assert_eq!(
            findings("crates/x/src/error.rs", &format!("{head}{body}")),
            ["crates/x/src/error.rs:5: an error enum is `#[non_exhaustive]`"]
        );
        let open = format!("{head}#[non_exhaustive]\n{body}");
        assert!(findings("crates/x/src/error.rs", &open).is_empty());
    }
}
