//! Splits one line of a table into its fields.

/// What stands between fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Separator {
    /// This character; blanks around fields are dropped.
    Char(char),
    /// Any run of blanks and tabs; also before the first and after the last field.
    Blanks,
}

impl Separator {
    /// The one that was asked for, or else the most frequent of `;`, `,` and tab in the first line, or else blanks.
    pub(super) fn choose(wanted: Option<char>, line: &str) -> Self {
        match wanted {
            Some(' ') => return Self::Blanks,
            Some(c) => return Self::Char(c),
            None => {}
        }
        let mut quoted = false;
        let mut counts = [(';', 0), (',', 0), ('\t', 0)];
        for c in line.trim().chars() {
            quoted ^= c == '"';
            counts.iter_mut().filter(|(s, _)| *s == c && !quoted).for_each(|(_, n)| *n += 1);
        }
        // The first of equals wins: `1,5;2` is two numbers with decimal commas rather than `1` and `5;2`.
        let best = counts.iter().fold((' ', 0), |best, &(c, n)| if n > best.1 { (c, n) } else { best });
        if best.1 == 0 { Self::Blanks } else { Self::Char(best.0) }
    }
}

/// Calls `field` with each field of a line; false if a quote stays open.
pub(super) fn split(line: &str, separator: Separator, mut field: impl FnMut(&str)) -> bool {
    let mut rest = if separator == Separator::Blanks { line.trim() } else { line };
    let is_separator = |c: char| match separator {
        Separator::Char(s) => c == s,
        Separator::Blanks => c == ' ' || c == '\t',
    };
    let mut quoted = String::new();
    loop {
        let start = rest.trim_start_matches(|c: char| c.is_whitespace() && !is_separator(c));
        let after = if let Some(mut inside) = start.strip_prefix('"') {
            quoted.clear();
            loop {
                let Some((part, next)) = inside.split_once('"') else { return false };
                quoted.push_str(part);
                match next.strip_prefix('"') {
                    Some(next) => {
                        quoted.push('"');
                        inside = next;
                    }
                    None => break inside = next,
                }
            }
            // Anything between the closing quote and the separator belongs to the field, as in `"a"b`.
            let end = inside.find(is_separator).unwrap_or(inside.len());
            quoted.push_str(inside[..end].trim_end());
            field(&quoted);
            &inside[end..]
        } else {
            let end = start.find(is_separator).unwrap_or(start.len());
            field(start[..end].trim_end());
            &start[end..]
        };
        let mut chars = after.chars();
        if chars.next().is_none() {
            return true;
        }
        rest = if separator == Separator::Blanks { after.trim_start() } else { chars.as_str() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fields(line: &str) -> Vec<String> {
        let mut found = vec![];
        assert!(split(line, Separator::choose(None, line), |f| found.push(f.to_owned())));
        found
    }

    #[test]
    fn separators_are_found_out() {
        assert_eq!(fields("1,2,3"), ["1", "2", "3"]);
        assert_eq!(fields("1; 2 ;3"), ["1", "2", "3"]);
        assert_eq!(fields("a b\tc"), ["a b", "c"]);
        assert_eq!(fields("   1   6 4 "), ["1", "6", "4"]);
        assert_eq!(fields("7"), ["7"]);
        assert_eq!(fields("1,5;2,5;3"), ["1,5", "2,5", "3"]);
        assert_eq!(fields("\"a,b,c\";1"), ["a,b,c", "1"]);
    }

    #[test]
    fn empty_and_quoted_fields() {
        assert_eq!(fields(",a,,"), ["", "a", "", ""]);
        assert_eq!(fields(r#""say ""hi""", "x, y",z"#), ["say \"hi\"", "x, y", "z"]);
        assert_eq!(fields("\"\",1"), ["", "1"]);
        assert!(!split("1,\"open", Separator::Char(','), |_| ()));
    }

    proptest! {
        #[test]
        fn any_fields_survive_quoting(cells in prop::collection::vec("[ -~\t]{0,8}", 1..6)) {
            let quote = |cell: &String| format!("\"{}\"", cell.replace('"', "\"\""));
            let line = cells.iter().map(quote).collect::<Vec<_>>().join(",");
            let mut found = vec![];
            prop_assert!(split(&line, Separator::Char(','), |f| found.push(f.to_owned())));
            prop_assert_eq!(found, cells);
        }

        #[test]
        fn no_line_panics(line in "[\"\t, ;a1é]{0,30}") {
            let _ = split(&line, Separator::choose(None, &line), |_| ());
        }
    }
}
