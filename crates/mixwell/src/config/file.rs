//! Reads a TOML file into a settings type; every error names the line, the key, and the nearest valid one.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer};

use super::schema::{Node, schema_of};
use crate::ConfigError;
use crate::error::{excerpt, near, shortened};

/// Settings read from a file, with the lines where they stand.
#[derive(Clone, Debug)]
pub struct FileConfig<T> {
    /// The settings.
    pub settings: T,
    /// Line of every dotted key, from 1.
    lines: BTreeMap<String, usize>,
}

/// A configuration file that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct ConfigFileError {
    /// The line the error is about, counted from 1.
    pub line: usize,
    /// What is wrong, and what to do.
    pub message: String,
}

/// Parses `text` into settings.
///
/// # Errors
/// [`ConfigFileError`] when the text is not TOML, has an unknown key, or a value of the wrong type. Ranges are checked
/// later, by the settings themselves; [`FileConfig::locate`] then finds the line.
///
/// ```
/// #[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
/// #[serde(deny_unknown_fields)]
/// struct Settings { chains: usize }
/// let error = mixwell::config::parse::<Settings>("\nchain = 4").unwrap_err();
/// assert_eq!(error.to_string(), "line 2: unknown key `chain`; did you mean `chains`?");
/// ```
pub fn parse<T: DeserializeOwned + JsonSchema>(text: &str) -> Result<FileConfig<T>, ConfigFileError> {
    let told = |e: toml::de::Error| ConfigFileError {
        line: e.span().map_or(1, |s| line_of(text, s.start)),
        message: shortened(e.message(), LONGEST_MESSAGE),
    };
    let document = DeTable::parse(text).map_err(told)?;
    let root = schema_of::<T>();
    let checker = Checker { text };
    checker.table(document.get_ref(), document.span().start, Node::new(&root), "")?;
    let mut lines = BTreeMap::new();
    note_lines(document.get_ref(), "", &line_starts(text), &mut lines);
    let settings = T::deserialize(Deserializer::from(document)).map_err(told)?;
    Ok(FileConfig { settings, lines })
}

impl<T> FileConfig<T> {
    /// Adds the line to an error about one of these settings; line 0 when the key is not in the file but a default.
    ///
    /// A key that is not there itself is looked for under the tables that hold it.
    pub fn locate(&self, error: &ConfigError) -> ConfigFileError {
        let mut key = error.key.as_str();
        let line = loop {
            match (self.lines.get(key), key.rsplit_once('.')) {
                (Some(line), _) => break *line,
                (None, Some((outer, _))) => key = outer,
                (None, None) => break 0,
            }
        };
        ConfigFileError { line, message: error.to_string() }
    }
}

/// A seed must be writable as TOML, in which the run folder keeps it.
pub(crate) fn check_seed(seed: u64) -> Result<(), ConfigError> {
    match i64::try_from(seed) {
        Ok(_) => Ok(()),
        Err(_) => Err(ConfigError::new("seed", seed, format!("the largest is {}", i64::MAX))),
    }
}

/// Characters of a message of the TOML parser that are passed on; it repeats what stands in the file.
const LONGEST_MESSAGE: usize = 500;

/// Where each line of the text begins.
fn line_starts(text: &str) -> Vec<usize> {
    std::iter::once(0).chain(text.match_indices('\n').map(|(i, _)| i + 1)).collect()
}

/// Notes the line of every key of a table and of the tables in it.
fn note_lines(table: &DeTable<'_>, outer: &str, starts: &[usize], lines: &mut BTreeMap<String, usize>) {
    for (name, value) in table {
        let path =
            if outer.is_empty() { name.get_ref().to_string() } else { format!("{outer}.{}", name.get_ref()) };
        if let DeValue::Table(inner) = value.get_ref() {
            note_lines(inner, &path, starts, lines);
        }
        lines.insert(path, starts.partition_point(|s| *s <= name.span().start));
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text[..offset.min(text.len())].matches('\n').count()
}

struct Checker<'t> {
    text: &'t str,
}

type Checked = Result<(), ConfigFileError>;

impl Checker<'_> {
    fn error(&self, offset: usize, message: String) -> Checked {
        Err(ConfigFileError { line: line_of(self.text, offset), message })
    }

    fn value(&self, value: &Spanned<DeValue<'_>>, node: Node<'_>, key: &str) -> Checked {
        let node = node.resolve();
        let offset = value.span().start;
        let variants = node.variants();
        let words = node.words();
        match value.get_ref() {
            DeValue::Table(table) if !variants.is_empty() => self.choice(table, offset, &variants, key),
            DeValue::Table(table) => {
                self.expect(&node, "object", "a table", offset, key)?;
                self.table(table, offset, node, key)
            }
            DeValue::String(word) if !words.is_empty() => {
                if words.iter().any(|w| w == word) {
                    return Ok(());
                }
                let message = format!(
                    "`{key}` is \"{}\", but it must be one of {}{}",
                    excerpt(word),
                    list(&words),
                    near(word, &words)
                );
                self.error(offset, message)
            }
            _ if !variants.is_empty() => {
                let accepted = variants.iter().any(|&v| self.value(value, v, key).is_ok());
                if accepted { Ok(()) } else { self.value(value, variants[0], key) }
            }
            DeValue::Array(items) => {
                self.expect(&node, "array", "a list", offset, key)?;
                let Some(of) = node.items() else { return Ok(()) };
                items
                    .iter()
                    .enumerate()
                    .try_for_each(|(i, item)| self.value(item, of, &format!("{key}[{i}]")))
            }
            DeValue::String(_) => self.expect(&node, "string", "a text", offset, key),
            DeValue::Boolean(_) => self.expect(&node, "boolean", "true or false", offset, key),
            DeValue::Float(_) => self.expect(&node, "number", "a number with a fraction", offset, key),
            DeValue::Integer(n) => {
                if node.types().contains(&"number") {
                    return Ok(());
                }
                self.expect(&node, "integer", "a whole number", offset, key)?;
                // What TOML cannot write again could not be kept in a run folder.
                if i64::from_str_radix(n.as_str(), n.radix()).is_err() {
                    let n = excerpt(n.as_str());
                    let message = format!("`{key}` is {n}, but whole numbers in TOML end at {}", i64::MAX);
                    return self.error(offset, message);
                }
                let unsigned = node.schema.get("minimum").and_then(|m| m.as_f64()) == Some(0.0);
                if unsigned && n.as_str().starts_with('-') {
                    return self.error(
                        offset,
                        format!("`{key}` is {}, but it must not be negative", excerpt(n.as_str())),
                    );
                }
                Ok(())
            }
            DeValue::Datetime(_) => self.expect(&node, "datetime", "a date", offset, key),
        }
    }

    fn expect(&self, node: &Node<'_>, found: &str, word: &str, offset: usize, key: &str) -> Checked {
        let types = node.types();
        if types.is_empty() || types.contains(&found) {
            return Ok(());
        }
        let wanted = types.iter().filter(|t| **t != "null").map(|t| match *t {
            "integer" => "a whole number",
            "number" => "a number",
            "string" => "a text in quotes",
            "boolean" => "true or false",
            "array" => "a list",
            _ => "a table",
        });
        let wanted = wanted.collect::<Vec<_>>().join(" or ");
        self.error(offset, format!("`{key}` is {word}, but it must be {wanted}"))
    }

    fn table(&self, table: &DeTable<'_>, offset: usize, node: Node<'_>, key: &str) -> Checked {
        let variants = node.variants();
        if !variants.is_empty() {
            return self.choice(table, offset, &variants, key);
        }
        let fields = node.fields();
        let names: Vec<&str> = fields.iter().map(|f| f.name).collect();
        for (name, value) in table {
            let shown = excerpt(name.get_ref());
            let path = if key.is_empty() { shown } else { format!("{key}.{shown}") };
            match (fields.iter().find(|f| f.name == name.get_ref().as_ref()), node.free_values()) {
                (Some(field), _) => self.value(value, field.node, &path)?,
                (None, Some(free)) => self.value(value, free, &path)?,
                (None, None) => {
                    let hint = near(name.get_ref(), &names);
                    let hint =
                        if hint.is_empty() { format!("; valid keys are {}", list(&names)) } else { hint };
                    return self.error(name.span().start, format!("unknown key `{path}`{hint}"));
                }
            }
        }
        Ok(())
    }

    fn choice(&self, table: &DeTable<'_>, offset: usize, variants: &[Node<'_>], key: &str) -> Checked {
        let kinds: Vec<&str> = variants.iter().filter_map(|v| v.kind()).collect();
        if kinds.is_empty() {
            let tagged = variants.iter().find(|v| v.tag_key().is_some_and(|k| table.contains_key(k)));
            if let Some(variant) = tagged {
                return self.table(table, offset, *variant, key);
            }
            let keys: Vec<&str> = variants.iter().filter_map(|v| v.tag_key()).collect();
            let alternatives = variants.iter().map(|v| v.resolve()).find(|v| v.types().contains(&"object"));
            return match alternatives {
                Some(variant) if keys.is_empty() => self.table(table, offset, variant, key),
                _ => self.error(offset, format!("`{key}` must have one of the keys {}", list(&keys))),
            };
        }
        let Some((name, value)) = table.iter().find(|(k, _)| k.get_ref().as_ref() == "kind") else {
            let place = if key.is_empty() { "the file".to_string() } else { format!("`{key}`") };
            return self.error(offset, format!("{place} has no `kind`; it must be one of {}", list(&kinds)));
        };
        let tag = if key.is_empty() { "kind".to_string() } else { format!("{key}.kind") };
        let DeValue::String(kind) = value.get_ref() else {
            return self.error(name.span().start, format!("`{tag}` must be a text, one of {}", list(&kinds)));
        };
        match variants.iter().find(|v| v.kind() == Some(kind)) {
            Some(variant) => self.table(table, offset, *variant, key),
            None => {
                let message = format!(
                    "`{tag}` is \"{}\", but it must be one of {}{}",
                    excerpt(kind),
                    list(&kinds),
                    near(kind, &kinds)
                );
                self.error(value.span().start, message)
            }
        }
    }
}

fn list(words: &[&str]) -> String {
    words.iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::{Deserialize, Serialize};

    #[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields, default)]
    struct Settings {
        chains: usize,
        scale: f64,
        mood: Mood,
        shape: Option<Shape>,
        names: Vec<String>,
        parts: std::collections::BTreeMap<String, Shape>,
    }

    #[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
    #[serde(rename_all = "snake_case")]
    enum Mood {
        #[default]
        Calm,
        VeryCalm,
    }

    #[derive(Debug, Serialize, Deserialize, JsonSchema)]
    #[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
    enum Shape {
        Circle { radius: f64 },
        Square(Square),
        Nested { inner: Box<Shape> },
    }

    #[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields, default)]
    struct Square {
        side: f64,
    }

    fn message(text: &str) -> String {
        parse::<Settings>(text).unwrap_err().to_string()
    }

    #[test]
    fn valid_files_are_read() {
        let text = "chains = 3\nscale = 2\nmood = 'very_calm'\nnames = ['a']\n[shape]\nkind = 'square'\nside = 1.5\n[parts.x]\nkind = 'nested'\n[parts.x.inner]\nkind = 'circle'\nradius = 1";
        let c = parse::<Settings>(text).unwrap().settings;
        assert_eq!((c.chains, c.scale), (3, 2.0));
        assert!(matches!(c.shape, Some(Shape::Square(Square { side: 1.5 }))));
    }

    #[test]
    fn unknown_keys_name_line_and_neighbour() {
        assert_eq!(message("chains = 1\nscales = 2"), "line 2: unknown key `scales`; did you mean `scale`?");
        assert_eq!(
            message("[shape]\nkind = 'square'\nsid = 2"),
            "line 3: unknown key `shape.sid`; did you mean `side`?"
        );
        assert_eq!(
            message("[parts.x]\nkind = 'nested'\ninner = { kind = 'circle', radios = 1 }"),
            "line 3: unknown key `parts.x.inner.radios`; did you mean `radius`?"
        );
    }

    /// A choice inside a choice: a step size is a number, or a table with one of three keys.
    #[test]
    fn step_sizes_in_every_convention() {
        let step = |text: &str| {
            parse::<crate::kernel::MalaConfig>(text)
                .map(|c| c.settings.step_size.eta())
                .map_err(|e| e.message)
        };
        for text in ["step_size = 0.25", "step_size = { eta = 0.25 }", "step_size = { tau = 0.5 }"] {
            assert_eq!(step(text), Ok(0.25), "{text}");
        }
        assert_eq!(
            step("step_size = { gamma = 1.0 }").unwrap_err(),
            "`step_size` must have one of the keys `eta`, `tau`, `dt`"
        );
    }

    #[test]
    fn wrong_types_and_words_are_told() {
        assert_eq!(
            message("chains = 1.5"),
            "line 1: `chains` is a number with a fraction, but it must be a whole number"
        );
        assert_eq!(
            message("chains = 9223372036854775808"),
            "line 1: `chains` is 9223372036854775808, but whole numbers in TOML end at 9223372036854775807"
        );
        assert_eq!(message("chains = -1"), "line 1: `chains` is -1, but it must not be negative");
        assert_eq!(
            message("names = [1]"),
            "line 1: `names[0]` is a whole number, but it must be a text in quotes"
        );
        assert!(message("mood = 'clam'").contains("did you mean `calm`?"));
        assert!(message("[shape]\nkind = 'cicle'").contains("line 2: `shape.kind` is \"cicle\""));
        assert!(message("[shape]\nside = 1").contains("has no `kind`"));
        assert!(message("chains =").starts_with("line 1:"));
    }

    #[test]
    fn range_errors_find_their_line() {
        let c = parse::<Settings>("chains = 1\n[shape]\nkind = 'square'\nside = 1").unwrap();
        let error = ConfigError::new("shape.side", 1, "too small");
        assert_eq!(c.locate(&error).line, 4);
        assert_eq!(c.locate(&ConfigError::new("scale", 0, "zero")).line, 0);
    }
}
