//! Where the files of each data set come from.

/// A file to download.
#[derive(Clone, Debug)]
pub(super) struct Source {
    /// Addresses that serve the same file; the first that works is used.
    pub(super) urls: Vec<String>,
    /// Name to store it under.
    pub(super) file: String,
    /// Its MD5, as published.
    pub(super) md5: String,
    /// It is longer than this in no case.
    pub(super) most_bytes: u64,
}

/// The sites of CIFAR.
const CIFAR: [&str; 1] = ["https://www.cs.toronto.edu/~kriz/"];
/// Mirrors of MNIST; its first site no longer serves the files.
const MNIST: [&str; 2] = [
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
];
/// The site of Fashion-MNIST, and the repository of its authors.
const FASHION: [&str; 2] = [
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
];

/// What has to be downloaded for a data set; nothing for an unknown or embedded one.
pub(super) fn sources(name: &str) -> Vec<Source> {
    let (sites, files): (&[&str], &[(&str, &str)]) = match name {
        "cifar10" => (
            &CIFAR,
            &[("cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530")],
        ),
        "cifar100" => (
            &CIFAR,
            &[(
                "cifar-100-binary.tar.gz",
                "03b5dce01913d631647c71ecec9e9cb8",
            )],
        ),
        "mnist" => (
            &MNIST,
            &[
                (
                    "train-images-idx3-ubyte.gz",
                    "f68b3c2dcbeaaa9fbdd348bbdeb94873",
                ),
                (
                    "train-labels-idx1-ubyte.gz",
                    "d53e105ee54ea40749a09fcbcd1e9432",
                ),
                (
                    "t10k-images-idx3-ubyte.gz",
                    "9fb629c4189551a2d022fa330f9573f3",
                ),
                (
                    "t10k-labels-idx1-ubyte.gz",
                    "ec29112dd5afa0611ce80d1b7f02629c",
                ),
            ],
        ),
        "fashion-mnist" => (
            &FASHION,
            &[
                (
                    "train-images-idx3-ubyte.gz",
                    "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
                ),
                (
                    "train-labels-idx1-ubyte.gz",
                    "25c81989df183df01b3e8a0aad5dffbe",
                ),
                (
                    "t10k-images-idx3-ubyte.gz",
                    "bef4ecab320f06d8554ea6380940ec79",
                ),
                (
                    "t10k-labels-idx1-ubyte.gz",
                    "bb300cfdad3c16e7a12a480ee83cd310",
                ),
            ],
        ),
        _ => (&[], &[]),
    };
    let source = |&(file, md5): &(&str, &str)| Source {
        urls: sites.iter().map(|site| format!("{site}{file}")).collect(),
        file: file.into(),
        md5: md5.into(),
        most_bytes: 1 << 28,
    };
    files.iter().map(source).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use srr_datasets::catalog;

    #[test]
    fn every_set_that_is_not_embedded_has_sources() {
        for entry in catalog() {
            let sources = sources(entry.name);
            assert_eq!(sources.is_empty(), entry.folder.is_none(), "{}", entry.name);
            for source in sources {
                assert!(source.md5.len() == 32 && !source.urls.is_empty());
                let single = source.file.strip_suffix(".gz").unwrap();
                let listed = entry.files.iter().any(|f| f.name == single);
                assert!(listed || single.ends_with(".tar"), "{single}");
            }
        }
    }
}
