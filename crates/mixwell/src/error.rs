//! The error of a setting that cannot be used; every other error lives beside what raises it.

/// Characters of a value that an error repeats.
const LONGEST_VALUE: usize = 200;
/// Characters of a word from a file that an error repeats.
const LONGEST_WORD: usize = 60;

/// A word from a file as an error may repeat it: one line, no control characters, cut after 60 characters.
pub(crate) fn excerpt(word: &str) -> String {
    shortened(word, LONGEST_WORD)
}

/// The first `most` characters, control characters written out as escapes; says how much was left out.
pub(crate) fn shortened(text: &str, most: usize) -> String {
    let mut out = String::new();
    for c in text.chars().take(most) {
        if c.is_control() { out.extend(c.escape_default()) } else { out.push(c) }
    }
    if text.chars().nth(most).is_some() {
        out.push_str(&format!(".. ({} bytes)", text.len()));
    }
    out
}

/// Some words in backquotes for an error: the first eight of them, each cut.
pub(crate) fn excerpts<S: AsRef<str>>(words: &[S]) -> String {
    let shown: Vec<String> = words.iter().take(8).map(|w| format!("`{}`", excerpt(w.as_ref()))).collect();
    let more = if words.len() > 8 { format!(", .. ({} in all)", words.len()) } else { String::new() };
    shown.join(", ") + &more
}

/// "; did you mean ...?" when some word is near enough.
pub(crate) fn near(word: &str, words: &[&str]) -> String {
    // A word much longer than any key is near none, and comparing takes as long as it is.
    let words = if word.len() > 100 { &[] } else { words };
    words
        .iter()
        .map(|w| (strsim::jaro_winkler(word, w), w))
        .filter(|(score, _)| *score > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map_or_else(String::new, |(_, w)| format!("; did you mean `{w}`?"))
}

/// A setting that cannot be used: which one, what it is, and what would be accepted.
///
/// ```
/// let e = mixwell::ConfigError::new("kernel.step_size", -0.1, "a step size must be positive and finite");
/// assert_eq!(e.to_string(), "`kernel.step_size` is -0.1, but a step size must be positive and finite");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` is {value}, but {reason}")]
pub struct ConfigError {
    /// The setting, as it is written in a config file.
    pub key: String,
    /// The value that was given.
    pub value: String,
    /// Why it cannot be used, and what can.
    pub reason: String,
}

impl ConfigError {
    /// An error about `key`, whose value is `value`.
    pub fn new(key: impl Into<String>, value: impl std::fmt::Display, reason: impl Into<String>) -> Self {
        Self { key: key.into(), value: shortened(&value.to_string(), LONGEST_VALUE), reason: reason.into() }
    }

    /// The same error with the setting's name put under a table: `step_size` becomes `kernel.step_size`.
    pub fn under(mut self, table: &str) -> Self {
        self.key = format!("{table}.{}", self.key);
        self
    }
}
