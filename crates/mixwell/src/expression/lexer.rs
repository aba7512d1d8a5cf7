//! Words of an expression: numbers, names, operators.

use super::ExpressionError;
use crate::error::excerpt;

/// One word.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Word<'t> {
    Number(f64),
    Name(&'t str),
    /// What stands between brackets after a name.
    Index(&'t str),
    Sign(&'static str),
    End,
}

/// A word and where it begins.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token<'t> {
    pub word: Word<'t>,
    pub at: usize,
}

/// Longer ones first.
const SIGNS: [&str; 19] =
    ["**", "<=", ">=", "==", "!=", "&&", "||", "+", "-", "*", "/", "^", "<", ">", "(", ")", ",", "!", "="];

/// All words of a text, the last of them [`Word::End`].
pub(super) fn words(text: &str) -> Result<Vec<Token<'_>>, ExpressionError> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        }
        let (word, length) = if c.is_ascii_digit() || c == '.' {
            number(text, at)?
        } else if c.is_alphabetic() || c == '_' {
            let length =
                rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.')).unwrap_or(rest.len());
            (Word::Name(&rest[..length]), length)
        } else if c == '`' {
            let Some(length) = rest[1..].find('`') else {
                return Err(ExpressionError::new(text, at, "this backquote has no second one"));
            };
            (Word::Name(&rest[1..=length]), length + 2)
        } else if c == '[' {
            let Some(length) = rest.find(']') else {
                return Err(ExpressionError::new(text, at, "this bracket is not closed: `]` is missing"));
            };
            (Word::Index(rest[1..length].trim()), length + 1)
        } else if let Some(sign) = SIGNS.iter().find(|s| rest.starts_with(**s)) {
            (Word::Sign(sign), sign.len())
        } else {
            let shown = excerpt(&c.to_string());
            let message =
                format!("`{shown}` means nothing here; names with such characters go between backquotes");
            return Err(ExpressionError::new(text, at, message));
        };
        found.push(Token { word, at });
        at += length;
    }
    found.push(Token { word: Word::End, at: text.len() });
    Ok(found)
}

/// A number that begins at `at`, and its length.
fn number(text: &str, at: usize) -> Result<(Word<'_>, usize), ExpressionError> {
    let rest = &text[at..];
    let bytes = rest.as_bytes();
    let mut end = 0;
    while end < bytes.len() {
        let sign = matches!(bytes[end], b'+' | b'-') && matches!(bytes[end - 1], b'e' | b'E');
        if !(bytes[end].is_ascii_alphanumeric() || bytes[end] == b'.' || sign) {
            break;
        }
        end += 1;
    }
    let written = &rest[..end];
    match written.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok((Word::Number(number), end)),
        _ => {
            let message = format!("`{}` is no number", excerpt(written));
            Err(ExpressionError::new(text, at, message))
        }
    }
}
