//! Tables as people write them, good and bad.

use super::*;

fn parse(text: &str) -> Result<TextTable, TableError> {
    parse_table(Path::new("data.csv"), text.as_bytes(), &TableOptions::default())
}

fn message(result: Result<TextTable, TableError>) -> String {
    result
        .and_then(|t| t.numeric(&(0..t.n_columns()).collect::<Vec<_>>()).map(|_| t))
        .unwrap_err()
        .to_string()
}

#[test]
fn a_table_with_header_labels_and_comments() {
    let text = "\u{feff}# made by hand\nx, y, class\n1,2.5,\"R\"\n\n-3e2, +4 ,M\r\n";
    let table = parse(text).unwrap();
    assert_eq!((table.n_rows(), table.n_columns()), (2, 3));
    assert_eq!(table.header().unwrap(), ["x", "y", "class"]);
    assert_eq!(table.numeric(&[1, 0]).unwrap().data(), [2.5, 1.0, 4.0, -300.0]);
    assert_eq!(table.column("class").unwrap(), ["R", "M"]);
    assert_eq!(table.column(2).unwrap(), ["R", "M"]);
    assert_eq!(table.numbers("y").unwrap(), [2.5, 4.0]);
}

#[test]
fn headers_are_found_out_or_told() {
    assert!(parse("1 2\n3 4").unwrap().header().is_none());
    assert!(
        parse("a,b\nc,d").unwrap().header().is_none(),
        "text all over: the first line is data like the others"
    );
    let told = TableOptions { header: Some(true), ..TableOptions::default() };
    let table = parse_table(Path::new("d"), "1,2\n3,4".as_bytes(), &told).unwrap();
    assert_eq!(table.header().unwrap(), ["1", "2"]);
    assert_eq!(table.numbers("2").unwrap(), [4.0]);
    let blanks = TableOptions { separator: Some(' '), ..TableOptions::default() };
    let table = parse_table(Path::new("d"), "a,1 2".as_bytes(), &blanks).unwrap();
    assert_eq!(table.cell(0, 0), "a,1");
}

#[test]
fn every_problem_is_placed() {
    let text = message(parse("1,2\n3,4\n5\n"));
    assert!(text.contains("line 3 of the table `data.csv` has 1 columns, but line 1 has 2"), "{text}");
    let text = message(parse("# c\nage,sex\n1,2\n3,x\n"));
    assert!(
        text.contains("line 4, column 1 `sex` (the first is 0)")
            && text.contains("`x`, which is not a number"),
        "{text}"
    );
    for (bad, expected) in [("nan", "`nan`"), ("-inf", "`-inf`"), ("1e999", "`1e999`"), ("", "is empty")] {
        let text = message(parse(&format!("1,2\n3,{bad}\n")));
        assert!(text.contains("line 2, column 1 (the first is 0) of") && text.contains(expected), "{text}");
    }
    assert!(message(parse("1,\"2\n")).contains("line 1"));
    for empty in ["", "\n\n", "# only words\n"] {
        assert!(message(parse(empty)).contains("no rows"));
    }
    let told = TableOptions { header: Some(true), ..TableOptions::default() };
    assert!(message(parse_table(Path::new("d"), "a,b\n".as_bytes(), &told)).contains("no rows"));
    let latin = parse_table(Path::new("d"), b"1,2\n3,\xe9\n".as_slice(), &TableOptions::default());
    assert!(message(latin).contains("line 2 of the table `d` is not text"));
}

#[test]
fn columns_that_are_not_there() {
    let table = parse("a,b\n1,2\n").unwrap();
    let text = table.column("c").unwrap_err().to_string();
    assert!(text.contains("no column `c`") && text.contains("`a`, `b`"), "{text}");
    assert!(table.numeric(&[2]).is_err());
    assert!(parse("1,2\n").unwrap().column("a").unwrap_err().to_string().contains("no header"));
}

#[test]
fn files_that_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().join("none.csv"), folder.path().to_path_buf()] {
        let e = read_table(&path, &TableOptions::default()).unwrap_err();
        assert!(
            matches!(e, TableError::Unreadable { .. }) && e.to_string().contains("check the path"),
            "{e}"
        );
    }
}

#[test]
fn german_credit() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/data/german.data-numeric");
    let table = read_table(&path, &TableOptions::default()).unwrap();
    assert_eq!((table.n_rows(), table.n_columns()), (1000, 25));
    assert!(table.header().is_none());
    let classes = table.numbers(24).unwrap();
    assert_eq!(classes.iter().filter(|&&c| c == 1.0).count(), 700);
    let features = table.numeric(&(0..24).collect::<Vec<_>>()).unwrap();
    assert_eq!(features.row(0)[..6], [1.0, 6.0, 4.0, 12.0, 5.0, 5.0]);
    assert!(features.data().iter().all(|v| v.fract() == 0.0));
}

#[test]
fn what_an_error_repeats_is_cut() {
    let text = message(parse(&format!("1,2\n3,{}\n", "x".repeat(1 << 20))));
    assert!(text.len() < 300 && text.contains("1048576 bytes"), "{text}");
}

#[test]
fn lines_without_end_are_refused_with_the_bound() {
    let text = message(parse_table(
        Path::new("d"),
        std::io::BufReader::new(std::io::repeat(b'1')),
        &TableOptions::default(),
    ));
    assert!(text.contains("line 1 is longer than 16 MiB"), "{text}");
}

#[test]
fn sixteen_bit_text_is_no_text() {
    let bytes: Vec<u8> = "1,2\n3,4\n".bytes().flat_map(|b| [b, 0]).collect();
    let table = parse_table(Path::new("d"), bytes.as_slice(), &TableOptions::default());
    assert!(message(table).contains("line 1 of the table `d` is not text"));
}
