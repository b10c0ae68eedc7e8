//! Downloads from a loopback server that answers well and badly.

use super::*;
use crate::data::server::{Answer, Server};

fn body() -> Vec<u8> {
    (0..300_000_u32)
        .map(|i| (i.wrapping_mul(i) >> 7) as u8)
        .collect()
}

/// Downloads [`body`] from a server that gives these answers, one per connection; the folder then, the outcome, and the ranges
/// that were asked for.
fn try_download(
    dir: &Path,
    answers: Vec<Answer>,
) -> (Result<PathBuf, DownloadError>, Vec<Option<String>>) {
    let server = Server::start(body(), answers);
    let source = Source {
        urls: vec![server.url("file.bin")],
        file: "file.bin".into(),
        md5: expected_md5(),
        most_bytes: 1 << 20,
    };
    let patience = Patience {
        tries: 2,
        pause: Duration::ZERO,
    };
    let outcome = download(&source, dir, patience);
    (outcome, server.ranges())
}

fn expected_md5() -> String {
    Md5::digest(body())
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect()
}

fn assert_whole(dir: &Path, outcome: Result<PathBuf, DownloadError>) {
    assert_eq!(fs::read(outcome.unwrap()).unwrap(), body());
    assert!(!dir.join("file.bin.part").exists());
}

#[test]
fn a_whole_file_in_one_go() {
    let dir = tempfile::tempdir().unwrap();
    let (outcome, ranges) = try_download(dir.path(), vec![Answer::Honest]);
    assert_whole(dir.path(), outcome);
    assert_eq!(ranges, [None]);
}

#[test]
fn what_is_there_already_is_not_asked_for_again() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file.bin.part"), &body()[..123_456]).unwrap();
    let (outcome, ranges) = try_download(dir.path(), vec![Answer::Honest]);
    assert_whole(dir.path(), outcome);
    assert_eq!(ranges, [Some("bytes=123456-".into())]);
}

#[test]
fn a_connection_that_breaks_is_taken_up_where_it_broke() {
    let dir = tempfile::tempdir().unwrap();
    let answers = vec![
        Answer::Break(100_000),
        Answer::Break(50_000),
        Answer::Break(0),
        Answer::Honest,
    ];
    let (outcome, ranges) = try_download(dir.path(), answers);
    assert_whole(dir.path(), outcome);
    let asked = ["bytes=100000-", "bytes=150000-", "bytes=150000-"].map(|r| Some(r.to_string()));
    assert_eq!(ranges[0], None);
    assert_eq!(ranges[1..], asked);
}

#[test]
fn a_break_shows_without_a_length_too() {
    let dir = tempfile::tempdir().unwrap();
    let answers = vec![Answer::BreakChunked(70_000), Answer::Honest];
    let (outcome, ranges) = try_download(dir.path(), answers);
    assert_whole(dir.path(), outcome);
    assert_eq!(ranges, [None, Some("bytes=70000-".into())]);
}

#[test]
fn a_server_that_knows_no_ranges_starts_over() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file.bin.part"), &body()[..1000]).unwrap();
    let (outcome, ranges) = try_download(dir.path(), vec![Answer::IgnoreRange]);
    assert_whole(dir.path(), outcome);
    assert_eq!(ranges, [Some("bytes=1000-".into())]);
}

#[test]
fn a_part_of_another_file_is_thrown_away() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file.bin.part"), vec![7; 1000]).unwrap();
    let (outcome, ranges) = try_download(dir.path(), vec![Answer::Honest, Answer::Honest]);
    assert_whole(dir.path(), outcome);
    assert_eq!(ranges, [Some("bytes=1000-".into()), None]);

    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file.bin.part"), vec![7; 400_000]).unwrap();
    let (outcome, ranges) = try_download(dir.path(), vec![Answer::Honest, Answer::Honest]);
    assert_whole(dir.path(), outcome);
    assert_eq!(ranges, [Some("bytes=400000-".into()), None]);
}

#[test]
fn a_part_that_is_the_whole_file_is_enough() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file.bin.part"), body()).unwrap();
    let (outcome, ranges) = try_download(dir.path(), vec![Answer::Honest]);
    assert_whole(dir.path(), outcome);
    assert_eq!(ranges, [Some("bytes=300000-".into())]);
}

#[test]
fn a_wrong_checksum_is_final_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (outcome, _) = try_download(dir.path(), vec![Answer::Corrupt]);
    let error = outcome.unwrap_err();
    assert!(
        matches!(&error, DownloadError::Checksum { expected, .. } if *expected == expected_md5())
    );
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn the_wrong_bytes_are_not_appended() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file.bin.part"), &body()[..1000]).unwrap();
    let answers = vec![Answer::WrongRange, Answer::WrongRange];
    let (outcome, _) = try_download(dir.path(), answers);
    assert!(matches!(
        outcome,
        Err(DownloadError::Range { expected: 1000, .. })
    ));
    assert_eq!(
        fs::read(dir.path().join("file.bin.part")).unwrap(),
        body()[..1000]
    );
}

#[test]
fn an_overloaded_server_is_tried_again_and_an_absent_file_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let (outcome, _) = try_download(dir.path(), vec![Answer::Status(503), Answer::Honest]);
    assert_whole(dir.path(), outcome);
    let dir = tempfile::tempdir().unwrap();
    let (outcome, _) = try_download(dir.path(), vec![Answer::Status(503), Answer::Status(503)]);
    assert!(matches!(
        outcome,
        Err(DownloadError::Status { status: 503, .. })
    ));
    let (outcome, ranges) = try_download(dir.path(), vec![Answer::Status(404)]);
    assert!(matches!(
        outcome,
        Err(DownloadError::Status { status: 404, .. })
    ));
    assert_eq!(ranges.len(), 1);
}

#[test]
fn a_file_without_end_is_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(body(), vec![Answer::Honest]);
    let source = Source {
        urls: vec![server.url("file.bin")],
        file: "file.bin".into(),
        md5: expected_md5(),
        most_bytes: 200_000,
    };
    let outcome = download(&source, dir.path(), Patience::default());
    assert!(matches!(
        outcome,
        Err(DownloadError::TooLong { most: 200_000, .. })
    ));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_second_address_helps_where_the_first_fails() {
    let dir = tempfile::tempdir().unwrap();
    let broken = Server::start(body(), vec![Answer::Status(404)]);
    let good = Server::start(body(), vec![Answer::Honest]);
    let source = Source {
        urls: vec![broken.url("a"), good.url("b")],
        file: "file.bin".into(),
        md5: expected_md5(),
        most_bytes: 1 << 20,
    };
    assert_whole(
        dir.path(),
        download(&source, dir.path(), Patience::default()),
    );
}

#[test]
fn nobody_listening_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let source = Source {
        urls: vec![format!("http://{address}/x")],
        file: "x".into(),
        md5: expected_md5(),
        most_bytes: 10,
    };
    let patience = Patience {
        tries: 2,
        pause: Duration::ZERO,
    };
    assert!(matches!(
        download(&source, dir.path(), patience),
        Err(DownloadError::Connection { .. })
    ));
}

#[test]
fn content_ranges() {
    let range = |text| ContentRange::parse(text).map(|r| (r.start, r.total));
    assert_eq!(range("bytes 5-9/10"), Some((Some(5), Some(10))));
    assert_eq!(range("bytes 5-9/*"), Some((Some(5), None)));
    assert_eq!(range("bytes */10"), Some((None, Some(10))));
    assert_eq!(range("lines 5-9/10"), None);
    assert_eq!(range("bytes"), None);
}
