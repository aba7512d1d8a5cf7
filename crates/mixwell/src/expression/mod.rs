//! Functions of named numbers, written as text: `theta[0] - theta[1]`, `ln(tau)`, `mean(theta) > 5 and tau < 1`.
//!
//! Names are those of variables, as a summary shows them: `tau`, `theta[3]`, `b[0,1]`, `weights[age]`; `theta` alone is the whole array, element by element.
//! An expression is a number, a truth (reported as 1 or 0), or an array of either; everything is settled when the text is read (`parser.rs`), and what is left is a
//! list of instructions without branches (`program.rs`), so nothing can fail afterwards.
//!
//! | written | what it is |
//! |---|---|
//! | `+ - * / ^` (or `**`) | arithmetic, element by element; a number goes with an array |
//! | `< <= > >= == !=` | comparisons, which give truths; they do not chain |
//! | `and or not` | of truths |
//! | `if(truth, a, b)` | `a` where it holds, else `b` |
//! | `exp ln log log10 log1p expm1 sqrt abs sin cos tan tanh atan floor logistic softplus` | functions of one number (`log` is `ln`) |
//! | `min(a, b) max(a, b)` | the smaller, the larger |
//! | `sum mean prod min max norm sd` of one array | one number; `sum` and `mean` also count truths |
//! | `pi` | 3.14159.. |

mod function;
mod lexer;
mod parser;
mod program;

pub use parser::{Names, parse};

use program::Program;

use crate::error::shortened;

/// Bytes of an expression's text.
pub(crate) const LONGEST: usize = 10_000;

/// An expression that has been read, to be evaluated on the values of its variables.
#[derive(Clone, Debug)]
pub struct Expression {
    program: Program,
    /// Elements; `None` for a single number.
    len: Option<usize>,
    is_truth: bool,
}

impl Expression {
    /// Elements of its value; `None` where it is one number.
    pub fn elements(&self) -> Option<usize> {
        self.len
    }

    /// Whether it is a truth, whose values are 1 and 0.
    pub fn is_truth(&self) -> bool {
        self.is_truth
    }

    /// Whether it asks for the number at this place among the variables' values, by that number's own name.
    pub fn reads(&self, place: usize) -> bool {
        self.program.reads(place)
    }

    /// Writes its value for the variables' `values`, one after the other as [`Names`] has them; `out` holds one number per element.
    pub fn evaluate(&self, values: &[f64], out: &mut [f64]) {
        self.program.run(values, out);
    }
}

/// A text that is no expression: where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at character {character}: {message}")]
pub struct ExpressionError {
    /// The character it is about, counted from 1.
    pub character: usize,
    /// What is wrong, and what to do.
    pub message: String,
}

impl ExpressionError {
    /// An error at byte `at` of `text`.
    fn new(text: &str, at: usize, message: impl AsRef<str>) -> Self {
        let character = 1 + text.char_indices().take_while(|(i, _)| *i < at).count();
        Self { character, message: shortened(message.as_ref(), 400) }
    }
}

#[cfg(test)]
mod tests;
