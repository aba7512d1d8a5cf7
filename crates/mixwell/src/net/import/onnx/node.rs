//! What a node says: its inputs, its settings with their defaults, and the error that names it.

use super::model::{Node, Setting};
use crate::io::excerpt;
use crate::net::import::ImportError;

impl<'a> Node<'a> {
    /// The error that names operator and node.
    pub fn refuse(&self, reason: impl Into<String>) -> ImportError {
        let operator = match self.domain {
            "" | "ai.onnx" => excerpt(self.operator),
            domain => format!("{}::{}", excerpt(domain), excerpt(self.operator)),
        };
        let name =
            if self.name.is_empty() { self.outputs.first().copied().unwrap_or("?") } else { self.name };
        let reason: String = reason.into().chars().take(300).collect();
        ImportError::Operator { operator, node: excerpt(name), reason }
    }

    /// Refuses a node that has any other setting than these.
    pub fn allow(&self, names: &[&str]) -> Result<(), ImportError> {
        match self.attributes.iter().find(|a| !names.contains(&a.name)) {
            Some(other) => Err(self.refuse(format!("its setting `{}` is not known", excerpt(other.name)))),
            None => Ok(()),
        }
    }

    /// The name of an input; `None` where it is left out.
    pub fn input(&self, i: usize) -> Option<&'a str> {
        self.inputs.get(i).copied().filter(|name| !name.is_empty())
    }

    /// The name of an input that must be there.
    pub fn needs(&self, i: usize) -> Result<&'a str, ImportError> {
        self.input(i).ok_or_else(|| self.refuse(format!("input {i} is missing")))
    }

    /// The name of the first output.
    pub fn output(&self) -> Result<&'a str, ImportError> {
        let name = self.outputs.first().copied().filter(|name| !name.is_empty());
        name.ok_or_else(|| self.refuse("it has no output"))
    }

    fn setting(&self, name: &str) -> Option<&Setting<'a>> {
        self.attributes.iter().find(|a| a.name == name).map(|a| &a.value)
    }

    fn wrong(&self, name: &str) -> ImportError {
        self.refuse(format!("its setting `{name}` is of another kind than it should be"))
    }

    /// A whole number.
    pub fn number(&self, name: &str, default: i64) -> Result<i64, ImportError> {
        match self.setting(name) {
            None => Ok(default),
            Some(Setting::Number(n)) => Ok(*n),
            Some(_) => Err(self.wrong(name)),
        }
    }

    /// A real number.
    pub fn float(&self, name: &str, default: f64) -> Result<f64, ImportError> {
        match self.setting(name) {
            None => Ok(default),
            // As it was written, and not as its nearest single-precision number is printed in full.
            Some(Setting::Float(x)) => Ok(x.to_string().parse().unwrap_or(f64::from(*x))),
            Some(_) => Err(self.wrong(name)),
        }
    }

    /// Whole numbers.
    pub fn numbers(&self, name: &str) -> Result<Option<&[i64]>, ImportError> {
        match self.setting(name) {
            None => Ok(None),
            Some(Setting::Numbers(n)) => Ok(Some(n)),
            Some(_) => Err(self.wrong(name)),
        }
    }

    /// A word.
    pub fn text(&self, name: &str, default: &'static str) -> Result<&'a str, ImportError> {
        match self.setting(name) {
            None => Ok(default),
            Some(Setting::Text(bytes)) => std::str::from_utf8(bytes).map_err(|_| self.wrong(name)),
            Some(_) => Err(self.wrong(name)),
        }
    }

    /// Refuses a whole number that is not this one.
    pub fn only(&self, name: &str, value: i64) -> Result<(), ImportError> {
        match self.number(name, value)? {
            found if found == value => Ok(()),
            found => Err(self.refuse(format!("`{name}` is {found}, only {value} is read"))),
        }
    }

    /// The one size of a square window, stride or the like; `default` where there is none.
    pub fn square(&self, name: &str, default: Option<usize>) -> Result<usize, ImportError> {
        let found = match self.numbers(name)? {
            Some([a, b]) if a == b => usize::try_from(*a).ok(),
            None => default,
            Some(_) => None,
        };
        found.ok_or_else(|| {
            let sizes = self.numbers(name).ok().flatten().unwrap_or(&[]);
            self.refuse(format!("`{name}` is {sizes:?}, only the same in both directions is read"))
        })
    }

    /// The one number of pixels added at every edge.
    pub fn padding(&self) -> Result<usize, ImportError> {
        match self.text("auto_pad", "NOTSET")? {
            "NOTSET" => {}
            "VALID" => return Ok(0),
            other => return Err(self.refuse(format!("`auto_pad` is {}, which is not read", excerpt(other)))),
        }
        match self.numbers("pads")? {
            None => Ok(0),
            Some([a, b, c, d]) if a == b && b == c && c == d && *a >= 0 => Ok(*a as usize),
            Some(pads) => {
                Err(self.refuse(format!("`pads` is {pads:?}, only the same at every edge is read")))
            }
        }
    }
}
