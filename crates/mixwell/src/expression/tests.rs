//! Values against Rust's own, kinds and lengths, and what is refused.

use proptest::prelude::*;

use super::*;
use crate::density::Variable;

fn variables() -> Vec<Variable> {
    vec![
        Variable::new("theta", &[3]),
        Variable::new("tau", &[]),
        Variable::new("b", &[2, 2]),
        Variable::of_elements("weights", vec!["age".into(), "income 1".into()]),
        Variable::new("mu a", &[]),
    ]
}

const VALUES: [f64; 11] = [1.0, -2.0, 4.0, 0.5, 10.0, 11.0, 12.0, 13.0, 7.0, -7.0, 3.0];

fn value(text: &str) -> Vec<f64> {
    let expression = parse(text, &Names(&variables())).unwrap_or_else(|e| panic!("{text}: {e}"));
    let mut out = vec![f64::NAN; expression.elements().unwrap_or(1)];
    expression.evaluate(&VALUES, &mut out);
    out
}

fn error(text: &str) -> String {
    match parse(text, &Names(&variables())) {
        Ok(_) => panic!("`{text}` was accepted"),
        Err(e) => e.to_string(),
    }
}

#[test]
fn values_are_those_of_the_formula() {
    let (tau, x) = (0.5f64, 4.0f64);
    let numbers = [
        ("theta[0] - theta[1]", 3.0),
        ("2 + 3 * 4 ^ 2 / 8", 8.0),
        ("-2^2", -4.0),
        ("2 ** -1", 0.5),
        ("2^3^2", 512.0),
        ("1 - 2 - 3", -4.0),
        ("12 / 3 / 2", 2.0),
        ("- -tau", tau),
        ("exp(tau) + ln(theta[2])", tau.exp() + x.ln()),
        ("log(tau)", tau.ln()),
        ("sum(theta) * mean(theta)", 3.0),
        ("norm(theta)^2", 21.0),
        ("max(theta) - min(theta)", 6.0),
        ("max(tau, 1)", 1.0),
        ("prod(theta)", -8.0),
        ("sd(theta)", 3.0),
        ("b[1,0] - b[ 0 , 1 ]", 1.0),
        ("weights[age] + weights[income 1] + weights[1]", -7.0),
        ("`mu a` * 2", 6.0),
        ("tau > 0.4", 1.0),
        ("not tau > 0.4", 0.0),
        ("theta[0] > 0 and theta[1] > 0", 0.0),
        ("theta[0] > 0 or theta[1] > 0 and tau == 3", 1.0),
        ("if(theta[1] < 0, tau, 9)", tau),
        ("mean(theta > 0)", 2.0 / 3.0),
        ("sum(theta^2 > 1)", 2.0),
        ("2 * pi", std::f64::consts::TAU),
        ("1.5e-1 + .5", 0.65),
    ];
    for (text, expected) in numbers {
        let found = value(text);
        assert!(found.len() == 1 && (found[0] - expected).abs() < 1e-12, "{text}: {found:?}, not {expected}");
    }
    assert_eq!(value("theta + 1"), [2.0, -1.0, 5.0]);
    assert_eq!(value("theta - theta"), [0.0; 3]);
    assert_eq!(value("tau"), [0.5]);
    assert_eq!(value("if(theta > 0, theta, 0)"), [1.0, 0.0, 4.0]);
    assert_eq!(value("abs(b - 11)"), [1.0, 0.0, 1.0, 2.0]);
    assert_eq!(value("max(theta, 0)"), [1.0, 0.0, 4.0]);
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let told = [
        ("tau + thet", "at character 7: there is no `thet`; did you mean `theta`?"),
        ("theta[3]", "at character 6: `theta` has no element `3`; they are counted 0 to 2"),
        ("b[2,0]", "at character 2: `b` has no element `2,0`; they are counted 0 to 1, 0 to 1"),
        ("tau[0]", "at character 4: `tau` is one number and has no elements"),
        ("weights[agee]", "at character 8: `weights` has no element `agee`; did you mean `age`?"),
        ("exo(tau)", "at character 1: there is no function `exo`; did you mean `exp`?"),
        ("exp(tau", "at character 8: `)` is missing after the arguments of `exp`, not the end"),
        ("exp(tau, 2)", "at character 1: `exp` takes one argument"),
        ("(tau", "at character 5: `)` is missing after what stands in parentheses, not the end"),
        ("tau)", "at character 4: this parenthesis closes none"),
        ("tau tau", "at character 5: an operator is missing before `tau`"),
        ("tau + ", "at character 7: a number or a name is missing here, not the end"),
        ("", "at character 1: a number or a name is missing here, not the end"),
        ("0 < tau < 1", "at character 9: comparisons do not chain; write `a < b and b < c`"),
        ("tau = 1", "at character 5: `=` compares nothing; write `==`"),
        ("(tau > 1) + 1", "at character 11: `+` takes numbers, not a truth; `if(truth, 1, 0)` makes one"),
        ("tau and tau", "at character 5: `and` takes truths, such as `x > 0`, not a number"),
        ("theta + b", "at character 7: an array of 3 elements does not go with one of 4"),
        ("sum(tau)", "at character 1: `sum` of one number is that number; it takes an array"),
        ("if(tau > 1, tau > 2, 3)", "at character 1: both results of `if` must be numbers, or both truths"),
        ("1.2.3", "at character 1: `1.2.3` is no number"),
        ("1e999", "at character 1: `1e999` is no number"),
        ("ä + tau", "at character 1: there is no `ä`; there are `theta`, `tau`, `b`, `weights`, `mu a`"),
        (
            "ab # c",
            "at character 4: `#` means nothing here; names with such characters go between backquotes",
        ),
        ("theta[0", "at character 6: this bracket is not closed: `]` is missing"),
    ];
    for (text, expected) in told {
        assert_eq!(error(text), expected, "{text}");
    }
}

#[test]
fn hostile_texts_are_refused_without_harm() {
    for (open, close) in [("(", ")"), ("-", ""), ("not ", ""), ("exp(", ")"), ("2^", "")] {
        let deep = format!("{}tau{}", open.repeat(1500), close.repeat(1500));
        assert!(error(&deep).contains("deeper than 100 levels"), "{open}");
    }
    assert!(error(&"tau+".repeat(20_000)).contains("ends at 10000"));
    let wide = [Variable::new("x", &[500_000])];
    let e = parse("x + x + x + x", &Names(&wide)).unwrap_err().to_string();
    assert!(e.contains("more than 1048576 numbers"), "{e}");
    // Long sums are no deeper than short ones.
    assert_eq!(value(&vec!["tau"; 2000].join("+")), [1000.0]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_text_panics(text in "[a-z0-9theau+*/^<>=!&|(),.\\[\\]` -]{0,60}") {
        let _ = parse(&text, &Names(&variables()));
    }

    /// Arithmetic written with all parentheses is Rust's, whatever the numbers.
    #[test]
    fn arithmetic_is_exact(a in -1e3f64..1e3, b in -1e3f64..1e3, c in 0.1f64..1e3) {
        let variables = [Variable::new("v", &[3])];
        let expression = parse("v[0] - v[1] * v[2] + v[0] / v[2] - -v[1]", &Names(&variables)).unwrap();
        let mut out = [0.0];
        expression.evaluate(&[a, b, c], &mut out);
        prop_assert_eq!(out[0], a - b * c + a / c - -b);
    }
}
