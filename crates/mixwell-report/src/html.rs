//! Text and numbers as HTML.

use std::fmt::Write;

/// Text that stands between tags or in an attribute with double quotes.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(c),
            // Not to be written in XML at all.
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// Four significant digits, in whichever notation is shorter; `-` for NaN.
pub fn number(v: f64) -> String {
    if v.is_nan() {
        return "-".into();
    }
    let size = v.abs();
    if size != 0.0 && !(1e-3..1e5).contains(&size) {
        return format!("{v:.3e}");
    }
    let digits = if size == 0.0 { 3 } else { (3 - size.log10().floor() as i32).clamp(0, 6) as usize };
    format!("{v:.digits$}")
}

/// A count with a thin space between thousands.
pub(crate) fn count(n: impl Into<u128>) -> String {
    let digits = n.into().to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) && digits.len() > 4 {
            out.push('\u{202f}');
        }
        out.push(c);
    }
    out
}

/// A list of sentences.
pub(crate) fn list(class: &str, items: &[String]) -> String {
    if items.is_empty() {
        return String::new();
    }
    let items: String = items.iter().map(|item| format!("<li>{}</li>", escape(item))).collect();
    format!("<ul class=\"{class}\">{items}</ul>\n")
}

/// Names and values beside each other.
pub(crate) fn facts(facts: &[(&str, String)]) -> String {
    let mut out = String::from("<dl class=\"facts\">\n");
    for (name, value) in facts {
        let _ = writeln!(out, "<div><dt>{}</dt><dd>{}</dd></div>", escape(name), escape(value));
    }
    out + "</dl>\n"
}

/// A picture (PNG) that is written into the page. `name` is text.
pub(crate) fn picture(name: &str, png: &[u8]) -> String {
    format!("<img alt=\"{}\" src=\"data:image/png;base64,{}\">\n", escape(name), base64(png))
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let word = (0..3).fold(0, |word, i| word << 8 | u32::from(three.get(i).copied().unwrap_or(0)));
        for digit in 0..4 {
            let value = (word >> (18 - 6 * digit)) & 63;
            out.push(if digit <= three.len() { char::from(DIGITS[value as usize]) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_four_digits() {
        assert_eq!(number(0.0), "0.000");
        assert_eq!(number(-1.23456), "-1.235");
        assert_eq!(number(123.456), "123.5");
        assert_eq!(number(1.0e-5), "1.000e-5");
        assert_eq!(number(f64::NAN), "-");
        assert_eq!((count(9999u32), count(1234567u32)), ("9999".into(), "1\u{202f}234\u{202f}567".into()));
    }

    #[test]
    fn base64_as_in_its_standard() {
        // RFC 4648, section 10.
        let all = ["", "f", "fo", "foo", "foob", "fooba", "foobar"].map(|text| base64(text.as_bytes()));
        assert_eq!(all, ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"]);
    }

    #[test]
    fn markup_is_escaped() {
        assert_eq!(escape("a<b> & \"c\"\u{1}"), "a&lt;b&gt; &amp; &quot;c&quot; ");
    }
}
