//! The command as people run it: files, pipes, threads, broken records.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const MAPPING: &str = r#"{"version": 1, "transformations": [
    {"source_field": "a", "dest_field": "x", "transform_type": "mapping"}
]}"#;

fn runtime(folder: &Path, arguments: &[&str], input: &[u8]) -> Output {
    std::fs::write(folder.join("m.json"), MAPPING).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_vitesse-runtime"))
        .current_dir(folder)
        .args(["transform", "--mapping", "m.json"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || {
        // A command that stops early closes the pipe.
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

fn many(records: usize) -> Vec<u8> {
    (0..records)
        .flat_map(|n| format!("{{\"a\":{n},\"b\":\"{}\"}}\n", "y".repeat(n % 300)).into_bytes())
        .collect()
}

fn expected(records: usize) -> Vec<u8> {
    (0..records).flat_map(|n| format!("{{\"x\":{n}}}\n").into_bytes()).collect()
}

#[test]
fn from_stdin_to_stdout_with_a_summary() {
    let folder = tempfile::tempdir().unwrap();
    let output = runtime(folder.path(), &[], b"{\"a\":1}\n[{\"a\":2}, {\"a\":3}] {\"a\":4}");
    assert!(output.status.success());
    assert_eq!(output.stdout, b"{\"x\":1}\n{\"x\":2}\n{\"x\":3}\n{\"x\":4}\n");
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("4 records, 0 failed"));
}

#[test]
fn threads_keep_the_order_and_count_failures_right() {
    let folder = tempfile::tempdir().unwrap();
    let mut input = many(20_000);
    let output = runtime(folder.path(), &["--threads", "4"], &input);
    assert!(output.status.success());
    assert!(output.stdout == expected(20_000));
    let offset = input.len();
    input.extend_from_slice(b"{\"a\":01}\n{\"a\":20000}\n");
    let output = runtime(folder.path(), &["--threads", "4", "--dead-letters", "dead"], &input);
    assert!(output.status.success());
    assert!(output.stdout == [expected(20_000), b"{\"x\":20000}\n".to_vec()].concat());
    let dead = std::fs::read_to_string(folder.path().join("dead")).unwrap();
    assert!(
        dead.starts_with(&format!("{{\"record\":20001,\"offset\":{offset},\"kind\":\"record_invalid\"")),
        "{dead}"
    );
    assert!(dead.ends_with(",\"text\":\"{\\\"a\\\":01}\"}\n"), "{dead}");
}

#[test]
fn compressed_files_one_after_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let gz = std::fs::File::create(folder.path().join("1.ndjson.gz")).unwrap();
    let mut gz = flate2::write::GzEncoder::new(gz, flate2::Compression::fast());
    gz.write_all(&many(3000)).unwrap();
    gz.finish().unwrap();
    let rest = many(3001).split_off(many(3000).len());
    let frame =
        |bytes: &[u8]| ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest);
    let (first, second) = rest.split_at(rest.len() / 2);
    std::fs::write(folder.path().join("2.zst"), [frame(first), frame(second)].concat()).unwrap();
    let output = runtime(folder.path(), &["--input", "1.ndjson.gz", "2.zst", "--output", "out"], b"");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(std::fs::read(folder.path().join("out")).unwrap() == expected(3001));
}

#[test]
fn a_failure_names_record_offset_and_byte_and_leaves_no_output() {
    let folder = tempfile::tempdir().unwrap();
    let output = runtime(folder.path(), &["--output", "out"], b"{\"a\":1}\n{\"a\":\"\\ud800\"}\n");
    assert_eq!(output.status.code(), Some(i32::from(vitesse_core::ErrorKind::RecordInvalid.exit_code())));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("byte: 6, record: 2, offset: 8"), "{error}");
    let left: Vec<PathBuf> =
        std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(left, [folder.path().join("m.json")]);
    let output =
        runtime(folder.path(), &["--on-error", "skip", "--limit", "3"], b"{\"a\":1}{\"a\":2}\n{]\n{\"a\":3}");
    assert!(output.status.success());
    assert_eq!(output.stdout, b"{\"x\":1}\n{\"x\":2}\n");
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("m.json"), MAPPING).unwrap();
    std::fs::write(folder.path().join("in"), many(50_000)).unwrap();
    for threads in ["1", "2"] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_vitesse-runtime"))
            .current_dir(folder.path())
            .args(["transform", "--quiet", "--mapping", "m.json", "--input", "in", "--threads", threads])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    }
}

#[test]
fn the_version_names_the_mappings_it_accepts() {
    let run = |arguments: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_vitesse-runtime")).args(arguments).output().unwrap()
    };
    let json = run(&["--version", "--json"]);
    assert!(json.status.success());
    assert!(String::from_utf8_lossy(&json.stdout).contains("\"mapping_versions\":[1]"));
    assert!(String::from_utf8_lossy(&json.stdout).contains("\"scale_decimal\""));
    assert_eq!(run(&[]).status.code(), Some(2));
}

#[test]
fn check_tells_what_takes_more_time_and_refuses_what_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let mapping = folder.path().join("m.json");
    let check = |function: &str| {
        let line = r#"{"source_field": "a", "dest_field": "x", "transform_type": "custom", "transform_config": {"function": "F"}}"#;
        let text = format!(r#"{{"version": 1, "transformations": [{}]}}"#, line.replace('F', function));
        std::fs::write(&mapping, text).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_vitesse-runtime"))
            .args(["transform", "--check", "--mapping"])
            .arg(&mapping)
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, told) = check("upper");
    assert!(
        code == Some(0)
            && told.contains("valid, 1 lines; all from bytes to bytes but these, counted from 0: 0"),
        "{told}"
    );
    let (code, told) = check("shout");
    assert_eq!(code, Some(i32::from(vitesse_core::ErrorKind::MappingInvalid.exit_code())));
    assert!(told.contains("there is no function \"shout\""), "{told}");
}

#[test]
fn output_is_compressed_by_its_name_and_reads_back() {
    let folder = tempfile::tempdir().unwrap();
    let copy = r#"{"version": 1, "transformations": [{"source_field": "x", "dest_field": "x", "transform_type": "direct"}]}"#;
    std::fs::write(folder.path().join("copy.json"), copy).unwrap();
    for name in ["out.gz", "out.zst"] {
        let output = runtime(folder.path(), &["--output", name], &many(20_000));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let size = std::fs::metadata(folder.path().join(name)).unwrap().len();
        assert!(size < expected(20_000).len() as u64 / 2, "{name}: {size}");
        let again = Command::new(env!("CARGO_BIN_EXE_vitesse-runtime"))
            .current_dir(folder.path())
            .args(["transform", "--quiet", "--mapping", "copy.json", "--input", name])
            .output()
            .unwrap();
        assert!(again.stdout == expected(20_000), "{name}");
    }
    let output = runtime(folder.path(), &["--output-compression", "gzip"], &many(10));
    assert_eq!(output.stdout[..2], [0x1f, 0x8b]);
}

#[test]
fn damaged_compression_is_called_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(&many(3000)).unwrap();
    let gz = gz.finish().unwrap();
    std::fs::write(folder.path().join("cut.gz"), &gz[..gz.len() / 2]).unwrap();
    std::fs::write(folder.path().join("text.gz"), many(3)).unwrap();
    std::fs::write(folder.path().join("text.zst"), many(3)).unwrap();
    std::fs::write(folder.path().join("empty.zst"), b"").unwrap();
    for (name, format) in [("cut.gz", "gzip"), ("text.gz", "gzip"), ("text.zst", "zstd")] {
        let output = runtime(folder.path(), &["--input", name], b"");
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(
            told.contains(&format!("not {format}, is damaged, or was cut off")) && told.contains(name),
            "{told}"
        );
    }
    assert!(runtime(folder.path(), &["--input", "empty.zst"], b"").status.success());
}

#[test]
fn a_mark_at_the_start_of_a_file_is_no_part_of_it() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("1"), "\u{feff}{\"a\":1}").unwrap();
    std::fs::write(folder.path().join("2"), "\u{feff}[{\"a\":2}]").unwrap();
    std::fs::write(folder.path().join("3"), "\u{feff}").unwrap();
    let output = runtime(folder.path(), &["--input", "1", "2", "3"], b"");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.stdout, b"{\"x\":1}\n{\"x\":2}\n");
}

#[test]
fn records_of_many_lines_are_cut_between_them_for_threads() {
    let folder = tempfile::tempdir().unwrap();
    // Compact ones first, so that what begins as lines does not go on as lines.
    let mut input = many(2000);
    for n in 2000..30_000 {
        input.extend_from_slice(
            format!("{{\n  \"a\": {n},\n  \"l\": [\n{{\"b\": 1}},\n{{\"b\": 2}}\n]\n}}\n").as_bytes(),
        );
    }
    // More threads than there can be are no reason to start them.
    for threads in ["1", "3", "100000"] {
        let output = runtime(folder.path(), &["--threads", threads], &input);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(output.stdout == expected(30_000), "{threads} threads");
    }
}

#[test]
fn lines_are_traced_with_types_for_values() {
    let folder = tempfile::tempdir().unwrap();
    let input = b"{\"id\":\"c1\",\"a\":\"secret\"}\n{\"id\":\"c2\"}\n{\"id\":\"c3\",\"a\":null}\n";
    for (which, expected) in [
        ("id=c1", "record 1, line 0: a (string) -> copy -> x (string)\n"),
        ("2", "record 2, line 0: a (missing) -> copy -> x (missing)\n"),
        (
            "1/2",
            "record 1, line 0: a (string) -> copy -> x (string)\nrecord 3, line 0: a (null) -> copy -> x (null)\n",
        ),
    ] {
        let output = runtime(folder.path(), &["--quiet", "--trace", which], input);
        assert_eq!(String::from_utf8(output.stderr).unwrap(), expected);
    }
}

#[test]
fn no_output_goes_over_an_input_or_another_output() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("i.ndjson");
    std::fs::write(&input, many(3)).unwrap();
    for arguments in [
        &["--input", "i.ndjson", "--dead-letters", "./i.ndjson"][..],
        &["--input", "i.ndjson", "--output", "i.ndjson"],
        &["--input", "i.ndjson", "--output", "o", "--dead-letters", "o"],
    ] {
        let output = runtime(folder.path(), arguments, b"");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("they are one file"));
        assert_eq!(std::fs::read(&input).unwrap(), many(3));
    }
}
