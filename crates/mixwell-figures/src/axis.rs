//! Axes: ranges that hold the data, and ticks at round numbers.

use serde::{Deserialize, Serialize};

/// How numbers are spread along an axis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// Equal differences are equally long.
    #[default]
    Linear,
    /// Equal ratios are equally long; numbers that are not positive are left out.
    Log,
}

/// An axis: what it shows, and how.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Axis {
    /// Its name, with the unit.
    pub label: String,
    /// Linear or logarithmic.
    pub scale: Scale,
    /// From where to where; what the data need if absent. What lies outside is cut off.
    pub range: Option<[f64; 2]>,
    /// Where ticks stand; round numbers if absent. Labels for which there is no room are left out.
    pub ticks: Option<Vec<f64>>,
}

impl Axis {
    /// A linear axis as wide as the data need.
    pub fn new(label: impl Into<String>) -> Self {
        Self { label: label.into(), ..Self::default() }
    }

    /// A logarithmic axis as wide as the data need.
    pub fn log(label: impl Into<String>) -> Self {
        Self { label: label.into(), scale: Scale::Log, ..Self::default() }
    }

    /// The same from `low` to `high`.
    pub fn range(self, low: f64, high: f64) -> Self {
        Self { range: Some([low, high]), ..self }
    }

    /// The same with ticks at these numbers.
    pub fn ticks(self, ticks: impl Into<Vec<f64>>) -> Self {
        Self { ticks: Some(ticks.into()), ..self }
    }

    /// Chooses range and ticks for the data.
    pub(crate) fn fit(&self, values: impl Iterator<Item = f64>) -> Fitted<'_> {
        let [low, high] = match self.range {
            Some(range) if self.place(range[0]) < self.place(range[1]) => range,
            _ => self.around(values),
        };
        let ticks = match (&self.ticks, self.scale) {
            (Some(ticks), _) => ticks.clone(),
            (None, Scale::Linear) => linear_ticks(low, high),
            (None, Scale::Log) => log_ticks(low, high),
        };
        let (from, to) = (self.place(low), self.place(high));
        let inside = |v: &f64| {
            let place = self.place(*v);
            place >= from - 1e-9 * (to - from) && place <= to + 1e-9 * (to - from)
        };
        let ticks: Vec<f64> = ticks.into_iter().filter(inside).collect();
        let labels = labels(&ticks, self.scale);
        Fitted { axis: self, from, to, ticks: ticks.into_iter().zip(labels).collect() }
    }

    /// Position along the axis on an arbitrary linear scale; NaN for what cannot be shown.
    fn place(&self, value: f64) -> f64 {
        let place = match self.scale {
            Scale::Linear => value,
            Scale::Log => value.log10(),
        };
        if place.is_finite() { place } else { f64::NAN }
    }

    /// A range around the values, with some room; from zero where they are positive and reach far down.
    fn around(&self, values: impl Iterator<Item = f64>) -> [f64; 2] {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for place in values.map(|v| self.place(v)).filter(|p| !p.is_nan()) {
            (low, high) = (low.min(place), high.max(place));
        }
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        let room = match high - low {
            0.0 if self.scale == Scale::Log || low == 0.0 => 0.5,
            0.0 => 0.5 * low.abs(),
            width => 0.06 * width,
        };
        match self.scale {
            Scale::Log => [10f64.powf(low - room), 10f64.powf(high + room)],
            Scale::Linear if low >= 0.0 && low < 0.35 * high => [0.0, high + room],
            Scale::Linear => [low - room, high + room],
        }
    }
}

/// An axis with its range and ticks.
pub(crate) struct Fitted<'a> {
    pub(crate) axis: &'a Axis,
    from: f64,
    to: f64,
    /// Values and their labels.
    pub(crate) ticks: Vec<(f64, String)>,
}

impl Fitted<'_> {
    /// The share of the axis below `value`; NaN for what cannot be shown.
    pub(crate) fn share(&self, value: f64) -> f64 {
        (self.axis.place(value) - self.from) / (self.to - self.from)
    }
}

/// Multiples of 1, 2, 2.5 or 5 times a power of ten, about five of them.
fn linear_ticks(low: f64, high: f64) -> Vec<f64> {
    let rough = (high - low) / 5.0;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0].map(|m| m * power).into_iter().find(|s| *s >= rough * 0.999);
    let step = step.unwrap_or(10.0 * power);
    let first = (low / step - 1e-9).ceil();
    (0..20).map(|k| (first + f64::from(k)) * step).take_while(|v| *v <= high + 1e-9 * step).collect()
}

/// Powers of ten; with their multiples by 2 and 5 where there would be fewer than three; round numbers on a narrow range.
fn log_ticks(low: f64, high: f64) -> Vec<f64> {
    let decades = (high / low).log10();
    if decades < 0.7 {
        return linear_ticks(low, high);
    }
    let exponents = low.log10().floor() as i32..=high.log10().ceil() as i32;
    let every = 1.max((decades / 7.0).ceil() as i32);
    let multiples: &[f64] = if decades < 2.2 { &[1.0, 2.0, 5.0] } else { &[1.0] };
    let powers = exponents.filter(|e| e % every == 0);
    powers.flat_map(|e| multiples.iter().map(move |m| m * 10f64.powi(e))).collect()
}

/// Labels with as many decimals as tell the ticks apart; powers of ten where numbers get long.
fn labels(ticks: &[f64], scale: Scale) -> Vec<String> {
    let largest = ticks.iter().fold(0.0f64, |a, v| a.max(v.abs()));
    let smallest = ticks.iter().filter(|v| **v != 0.0).fold(f64::INFINITY, |a, v| a.min(v.abs()));
    if largest >= 1e5 || smallest < 1e-3 {
        return ticks.iter().map(|v| scientific(*v)).collect();
    }
    if scale == Scale::Log {
        // Ratios rather than steps: each label as short as it can be.
        return ticks.iter().map(|v| short(*v, 4)).collect();
    }
    let exact = |decimals: usize| ticks.iter().all(|v| (round(*v, decimals) - v).abs() <= 1e-6 * largest);
    let decimals = (0..4).find(|d| exact(*d)).unwrap_or(4);
    ticks.iter().map(|v| format!("{:.decimals$}", if *v == 0.0 { 0.0 } else { *v })).collect()
}

fn round(value: f64, decimals: usize) -> f64 {
    let power = 10f64.powi(decimals as i32);
    (value * power).round() / power
}

fn short(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

/// `2·10³`, `10³` or `0`.
fn scientific(value: f64) -> String {
    if value == 0.0 {
        return "0".into();
    }
    let mut exponent = value.abs().log10().floor() as i32;
    let mut mantissa = round(value / 10f64.powi(exponent), 3);
    if mantissa.abs() >= 10.0 {
        (mantissa, exponent) = (mantissa / 10.0, exponent + 1);
    }
    let raised = |c| match c {
        '-' => '⁻',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        digit => char::from_u32('⁰' as u32 + digit as u32 - '0' as u32).unwrap_or(digit),
    };
    let power: String = exponent.to_string().chars().map(raised).collect();
    match short(mantissa, 3).as_str() {
        "1" => format!("10{power}"),
        "-1" => format!("-10{power}"),
        mantissa => format!("{mantissa}·10{power}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(axis: &Axis, values: &[f64]) -> Vec<String> {
        axis.fit(values.iter().copied()).ticks.into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(shown(&Axis::new(""), &[30.0, 300.0]), ["0", "100", "200", "300"]);
        assert_eq!(shown(&Axis::new(""), &[0.031, 0.052]), ["0.030", "0.035", "0.040", "0.045", "0.050"]);
        assert_eq!(shown(&Axis::new(""), &[-1.0, 1.0]), ["-1.0", "-0.5", "0.0", "0.5", "1.0"]);
        assert_eq!(shown(&Axis::new("").range(0.0, 1e6), &[])[1], "2·10⁵");
        assert_eq!(shown(&Axis::log(""), &[0.01, 1000.0]), ["0.01", "0.1", "1", "10", "100", "1000"]);
        assert_eq!(shown(&Axis::log(""), &[10.0, 200.0]), ["10", "20", "50", "100", "200"]);
        assert_eq!(shown(&Axis::log(""), &[1e-9, 1e-5]), ["10⁻⁹", "10⁻⁸", "10⁻⁷", "10⁻⁶", "10⁻⁵"]);
    }

    #[test]
    fn what_cannot_be_shown_does_not_widen_the_axis() {
        let axis = Axis::log("");
        let fitted = axis.fit([1.0, f64::NAN, -3.0, 0.0, f64::INFINITY, 100.0].into_iter());
        assert!(fitted.share(1.0) > 0.0 && fitted.share(100.0) < 1.0 && fitted.share(-3.0).is_nan());
        // No data, one number, a range the wrong way round: still an axis.
        for axis in [Axis::new(""), Axis::log(""), Axis::new("").range(2.0, 1.0)] {
            assert!(axis.fit([].into_iter()).ticks.len() > 1, "{axis:?}");
            assert!((0.0..1.0).contains(&axis.fit([7.0].into_iter()).share(7.0)));
        }
    }
}
