//! From words to instructions, by recursive descent; kinds and lengths are checked on the way.
//!
//! `or := and {or and}`, `and := not {and not}`, `not := [not] comparison`, `comparison := sum [sign sum]`, `sum := product {+- product}`,
//! `product := signed {*/ signed}`, `signed := {+-} power`, `power := atom [^ signed]`. So `-x^2` is `-(x^2)`, as in mathematics.

use super::function::{FUNCTIONS, Function};
use super::lexer::{Token, Word, words};
use super::program::{Place, Program, Source, Step};
use super::{Expression, ExpressionError, LONGEST};
use crate::density::Variable;
use crate::error::{excerpt, near};

/// How deep parentheses and signs may nest.
const DEEPEST: usize = 100;
/// Numbers that the instructions of one expression may make.
const MOST_WORK: usize = 1 << 20;

/// The variables that an expression may name, in the order of their values.
#[derive(Clone, Debug, Default)]
pub struct Names<'v>(pub &'v [Variable]);

/// What is known of a part of an expression when it is read.
#[derive(Clone, Copy, Debug)]
struct Operand {
    place: Place,
    len: Option<usize>,
    is_truth: bool,
}

impl Operand {
    fn source(self) -> Source {
        Source { place: self.place, stride: usize::from(self.len.is_some()) }
    }
}

/// Reads an expression over these variables.
///
/// # Errors
/// [`ExpressionError`] when the text is no expression, names something that is not there, or is too long or too deep.
///
/// ```
/// use mixwell::density::Variable;
/// use mixwell::expression::{Names, parse};
/// let variables = [Variable::new("theta", &[2]), Variable::new("tau", &[])];
/// let ratio = parse("(theta[1] - theta[0]) / tau", &Names(&variables))?;
/// let mut value = [0.0];
/// ratio.evaluate(&[1.0, 4.0, 2.0], &mut value);
/// assert_eq!(value, [1.5]);
/// let error = parse("ln(taus)", &Names(&variables)).unwrap_err();
/// assert_eq!(error.to_string(), "at character 4: there is no `taus`; did you mean `tau`?");
/// # Ok::<(), mixwell::expression::ExpressionError>(())
/// ```
pub fn parse(text: &str, names: &Names<'_>) -> Result<Expression, ExpressionError> {
    if text.len() > LONGEST {
        let message = format!("it has {} bytes, but an expression ends at {LONGEST}", text.len());
        return Err(ExpressionError::new(text, 0, message));
    }
    let words = words(text)?;
    let mut parser = Parser { text, words, next: 0, names: names.0, program: Program::default(), depth: 0 };
    let found = parser.or()?;
    parser.expect_end()?;
    // The result is what the last instruction made.
    let Operand { len, is_truth, .. } = found;
    parser.add(Step::Copy(found.source()), len, 0)?;
    Ok(Expression { program: parser.program, len, is_truth })
}

struct Parser<'t, 'v> {
    text: &'t str,
    words: Vec<Token<'t>>,
    next: usize,
    names: &'v [Variable],
    program: Program,
    depth: usize,
}

type Read<T = Operand> = Result<T, ExpressionError>;

impl<'t> Parser<'t, '_> {
    fn fail<T>(&self, at: usize, message: impl AsRef<str>) -> Read<T> {
        Err(ExpressionError::new(self.text, at, message))
    }

    fn token(&self) -> &Token<'t> {
        &self.words[self.next]
    }

    /// Where the next word is, if it is one of these signs or words.
    fn take(&mut self, any: &[&str]) -> Option<(&'t str, usize)> {
        let token = self.token();
        let written = match token.word {
            Word::Sign(sign) => sign,
            Word::Name(name) => name,
            _ => return None,
        };
        let at = token.at;
        any.contains(&written).then(|| {
            self.next += 1;
            (written, at)
        })
    }

    fn expect(&mut self, sign: &str, after: &str) -> Read<()> {
        match self.take(&[sign]) {
            Some(_) => Ok(()),
            None => self.fail(self.token().at, format!("`{sign}` is missing {after}, not {}", self.found())),
        }
    }

    fn found(&self) -> String {
        match &self.token().word {
            Word::Number(number) => format!("the number {number}"),
            Word::Name(name) => format!("`{}`", excerpt(name)),
            Word::Index(index) => format!("`[{}]`", excerpt(index)),
            Word::Sign(sign) => format!("`{sign}`"),
            Word::End => "the end".into(),
        }
    }

    fn expect_end(&self) -> Read<()> {
        match &self.token().word {
            Word::End => Ok(()),
            Word::Sign("=") => self.fail(self.token().at, "`=` compares nothing; write `==`"),
            Word::Sign(")") => self.fail(self.token().at, "this parenthesis closes none"),
            _ => self.fail(self.token().at, format!("an operator is missing before {}", self.found())),
        }
    }

    /// Adds an instruction; `at` is where the text is too much, if it is.
    fn add(&mut self, step: Step, len: Option<usize>, at: usize) -> Read<Place> {
        let n = len.unwrap_or(1);
        if self.program.work().saturating_add(n) > MOST_WORK {
            return self.fail(at, format!("the expression makes more than {MOST_WORK} numbers"));
        }
        Ok(self.program.push(step, n))
    }

    /// Reads what is nested one level deeper.
    fn deeper(&mut self, at: usize, read: fn(&mut Self) -> Read) -> Read {
        if self.depth == DEEPEST {
            return self.fail(at, format!("it nests deeper than {DEEPEST} levels"));
        }
        self.depth += 1;
        let found = read(self);
        self.depth -= 1;
        found
    }

    /// The elements of two operands together.
    fn common_len(&self, a: Operand, b: Operand, at: usize) -> Read<Option<usize>> {
        match (a.len, b.len) {
            (Some(n), Some(m)) if n != m => {
                self.fail(at, format!("an array of {n} elements does not go with one of {m}"))
            }
            (n, m) => Ok(n.or(m)),
        }
    }

    fn numbers(&self, operands: &[Operand], sign: &str, at: usize) -> Read<()> {
        if operands.iter().any(|o| o.is_truth) {
            return self
                .fail(at, format!("`{sign}` takes numbers, not a truth; `if(truth, 1, 0)` makes one"));
        }
        Ok(())
    }

    fn truths(&self, operands: &[Operand], sign: &str, at: usize) -> Read<()> {
        if operands.iter().any(|o| !o.is_truth) {
            return self.fail(at, format!("`{sign}` takes truths, such as `x > 0`, not a number"));
        }
        Ok(())
    }

    fn two(&mut self, f: fn(f64, f64) -> f64, a: Operand, b: Operand, is_truth: bool, at: usize) -> Read {
        let len = self.common_len(a, b, at)?;
        let place = self.add(Step::Two(f, a.source(), b.source()), len, at)?;
        Ok(Operand { place, len, is_truth })
    }

    fn or(&mut self) -> Read {
        let mut left = self.and()?;
        while let Some((sign, at)) = self.take(&["or", "||"]) {
            let right = self.and()?;
            self.truths(&[left, right], sign, at)?;
            left = self.two(f64::max, left, right, true, at)?;
        }
        Ok(left)
    }

    fn and(&mut self) -> Read {
        let mut left = self.not()?;
        while let Some((sign, at)) = self.take(&["and", "&&"]) {
            let right = self.not()?;
            self.truths(&[left, right], sign, at)?;
            left = self.two(f64::min, left, right, true, at)?;
        }
        Ok(left)
    }

    fn not(&mut self) -> Read {
        let Some((sign, at)) = self.take(&["not", "!"]) else { return self.comparison() };
        let operand = self.deeper(at, Self::not)?;
        self.truths(&[operand], sign, at)?;
        let place = self.add(Step::One(|x| 1.0 - x, operand.source()), operand.len, at)?;
        Ok(Operand { place, ..operand })
    }

    fn comparison(&mut self) -> Read {
        const SIGNS: [&str; 7] = ["<", "<=", ">", ">=", "==", "!=", "="];
        let left = self.sum()?;
        let Some((sign, at)) = self.take(&SIGNS) else { return Ok(left) };
        let compare: fn(f64, f64) -> f64 = match sign {
            "<" => |a, b| f64::from(a < b),
            "<=" => |a, b| f64::from(a <= b),
            ">" => |a, b| f64::from(a > b),
            ">=" => |a, b| f64::from(a >= b),
            "==" => |a, b| f64::from(a == b),
            "!=" => |a, b| f64::from(a != b),
            _ => return self.fail(at, "`=` compares nothing; write `==`"),
        };
        let right = self.sum()?;
        self.numbers(&[left, right], sign, at)?;
        if let Some((_, at)) = self.take(&SIGNS) {
            return self.fail(at, "comparisons do not chain; write `a < b and b < c`");
        }
        self.two(compare, left, right, true, at)
    }

    fn sum(&mut self) -> Read {
        let mut left = self.product()?;
        while let Some((sign, at)) = self.take(&["+", "-"]) {
            let right = self.product()?;
            self.numbers(&[left, right], sign, at)?;
            let f: fn(f64, f64) -> f64 = if sign == "+" { |a, b| a + b } else { |a, b| a - b };
            left = self.two(f, left, right, false, at)?;
        }
        Ok(left)
    }

    fn product(&mut self) -> Read {
        let mut left = self.signed()?;
        while let Some((sign, at)) = self.take(&["*", "/"]) {
            let right = self.signed()?;
            self.numbers(&[left, right], sign, at)?;
            let f: fn(f64, f64) -> f64 = if sign == "*" { |a, b| a * b } else { |a, b| a / b };
            left = self.two(f, left, right, false, at)?;
        }
        Ok(left)
    }

    fn signed(&mut self) -> Read {
        let Some((sign, at)) = self.take(&["-", "+"]) else { return self.power() };
        let operand = self.deeper(at, Self::signed)?;
        self.numbers(&[operand], sign, at)?;
        if sign == "+" {
            return Ok(operand);
        }
        let place = self.add(Step::One(|x| -x, operand.source()), operand.len, at)?;
        Ok(Operand { place, ..operand })
    }

    fn power(&mut self) -> Read {
        let base = self.atom()?;
        let Some((sign, at)) = self.take(&["^", "**"]) else { return Ok(base) };
        let exponent = self.deeper(at, Self::signed)?;
        self.numbers(&[base, exponent], sign, at)?;
        self.two(f64::powf, base, exponent, false, at)
    }

    fn atom(&mut self) -> Read {
        let Token { word, at } = self.token().clone();
        match word {
            Word::Number(number) => {
                self.next += 1;
                self.constant(number, at)
            }
            Word::Sign("(") => {
                self.next += 1;
                let inner = self.deeper(at, Self::or)?;
                self.expect(")", "after what stands in parentheses")?;
                Ok(inner)
            }
            Word::Name(name) => {
                self.next += 1;
                let called = matches!(self.token().word, Word::Sign("("));
                if called { self.call(name, at) } else { self.variable(name, at) }
            }
            _ => self.fail(at, format!("a number or a name is missing here, not {}", self.found())),
        }
    }

    fn constant(&mut self, number: f64, at: usize) -> Read {
        let place = self.add(Step::Constant(number), None, at)?;
        Ok(Operand { place, len: None, is_truth: false })
    }

    /// A variable, or one element of it.
    fn variable(&mut self, name: &str, at: usize) -> Read {
        let index = match self.token().word {
            Word::Index(index) => Some((index, self.token().at)),
            _ => None,
        };
        let mut first = 0;
        for variable in self.names {
            if variable.name != name {
                first += variable.len();
                continue;
            }
            let Some((index, at)) = index else {
                let len = (!variable.shape.is_empty()).then(|| variable.len());
                return Ok(Operand { place: Place::Value(first), len, is_truth: false });
            };
            self.next += 1;
            let Some(element) = element(variable, index) else {
                return self.fail(at, no_element(variable, index));
            };
            return Ok(Operand { place: Place::Value(first + element), len: None, is_truth: false });
        }
        if name == "pi" && index.is_none() {
            return self.constant(std::f64::consts::PI, at);
        }
        let known: Vec<&str> = self.names.iter().map(|v| v.name.as_str()).collect();
        let hint = near(name, &known);
        let hint = if hint.is_empty() {
            let names: Vec<&str> = known.into_iter().take(8).collect();
            format!("; there are {}", crate::error::excerpts(&names))
        } else {
            hint
        };
        self.fail(at, format!("there is no `{}`{hint}", excerpt(name)))
    }

    /// A function and what it is of.
    fn call(&mut self, name: &str, at: usize) -> Read {
        let Some((_, function)) = FUNCTIONS.iter().find(|(known, _)| *known == name) else {
            let known: Vec<&str> = FUNCTIONS.iter().map(|(name, _)| *name).collect();
            let hint = near(name, &known);
            return self.fail(at, format!("there is no function `{}`{hint}", excerpt(name)));
        };
        self.next += 1;
        let mut of = Vec::new();
        loop {
            of.push(self.deeper(at, Self::or)?);
            if self.take(&[","]).is_none() {
                break;
            }
            if of.len() == 3 {
                return self.fail(at, format!("`{name}` takes fewer arguments"));
            }
        }
        self.expect(")", &format!("after the arguments of `{name}`"))?;
        match (*function, of.as_slice()) {
            (Function::One(f), [a]) => {
                self.numbers(&of, name, at)?;
                let place = self.add(Step::One(f, a.source()), a.len, at)?;
                Ok(Operand { place, ..*a })
            }
            (Function::Two(f) | Function::TwoOrWhole(f, _), [a, b]) => {
                self.numbers(&of, name, at)?;
                self.two(f, *a, *b, false, at)
            }
            (Function::Whole(f, counts), [a]) => {
                if !counts {
                    self.numbers(&of, name, at)?;
                }
                self.whole(f, *a, name, at)
            }
            (Function::TwoOrWhole(_, f), [a]) => {
                self.numbers(&of, name, at)?;
                self.whole(f, *a, name, at)
            }
            (Function::Choice, [which, yes, no]) => {
                self.truths(&[*which], name, at)?;
                if yes.is_truth != no.is_truth {
                    return self.fail(at, "both results of `if` must be numbers, or both truths");
                }
                let both = Operand { len: self.common_len(*yes, *no, at)?, ..*yes };
                let len = self.common_len(*which, both, at)?;
                let step = Step::Choice(which.source(), yes.source(), no.source());
                Ok(Operand { place: self.add(step, len, at)?, len, is_truth: yes.is_truth })
            }
            (function, _) => {
                let wanted = match function {
                    Function::One(_) => "one argument",
                    Function::Two(_) => "two arguments",
                    Function::Whole(..) => "one array",
                    Function::TwoOrWhole(..) => "two numbers or one array",
                    Function::Choice => {
                        "three arguments: a truth, and what it is where that holds and where not"
                    }
                };
                self.fail(at, format!("`{name}` takes {wanted}"))
            }
        }
    }

    fn whole(&mut self, f: super::function::Reduction, a: Operand, name: &str, at: usize) -> Read {
        let Some(n) = a.len else {
            return self.fail(at, format!("`{name}` of one number is that number; it takes an array"));
        };
        let place = self.add(Step::Whole(f, a.source(), n), None, at)?;
        Ok(Operand { place, len: None, is_truth: false })
    }
}

/// The place of an element, given by what its label has in brackets.
fn element(variable: &Variable, index: &str) -> Option<usize> {
    let parts = index.split(',').map(str::trim);
    let by_number = || {
        let numbers: Vec<usize> = parts.map(|p| p.parse().ok()).collect::<Option<_>>()?;
        let fits =
            numbers.len() == variable.shape.len() && numbers.iter().zip(&variable.shape).all(|(i, n)| i < n);
        fits.then(|| numbers.iter().zip(&variable.shape).fold(0, |flat, (i, n)| flat * n + i))
    };
    variable.elements.iter().position(|e| e == index).or_else(by_number)
}

/// Why there is no such element.
fn no_element(variable: &Variable, index: &str) -> String {
    let name = excerpt(&variable.name);
    if variable.shape.is_empty() {
        return format!("`{name}` is one number and has no elements");
    }
    if !variable.elements.is_empty() {
        let known: Vec<&str> = variable.elements.iter().map(String::as_str).collect();
        let hint = near(index, &known);
        let hint =
            if hint.is_empty() { format!("; they are {}", crate::error::excerpts(&known)) } else { hint };
        return format!("`{name}` has no element `{}`{hint}", excerpt(index));
    }
    let sizes: Vec<String> = variable.shape.iter().map(|n| format!("0 to {}", n - 1)).collect();
    format!("`{name}` has no element `{}`; they are counted {}", excerpt(index), sizes.join(", "))
}
