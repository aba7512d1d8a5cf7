//! The linear regressions of the collection: which columns explain what, and under which priors.
//!
//! Stan's `cauchy(0, s)` and `normal(0, s)` on a positive sigma are half laws, of the same density up to a constant.
//! The autoregression belongs here too: given the first values, it regresses each value on those before it.

use serde_json::Value;

use super::data::{column, count, matrix, number, positive, same_length};
use super::linear_regression::LinearRegression;
use crate::density::{Prior, TargetError, Variable};

/// Named columns.
type Columns<'a> = Vec<(&'a str, &'a [f64])>;

fn products(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a * b).collect()
}

/// The logarithms of a column that must be positive.
fn logarithms(values: &[f64], name: &str) -> Result<Vec<f64>, TargetError> {
    if values.iter().any(|v| *v <= 0.0) {
        return Err(TargetError::Type { name: name.to_string(), expected: "an array of positive numbers" });
    }
    Ok(values.iter().map(|v| v.ln()).collect())
}

impl LinearRegression {
    /// Children's test scores on their mothers' IQ.
    pub fn kidscore_momiq(data: &Value) -> Result<Self, TargetError> {
        let (score, iq) = (column(data, "kid_score")?, column(data, "mom_iq")?);
        let one = vec![1.0; score.len()];
        let model = Self::new(&[("constant", &one), ("mom_iq", &iq)], &score)?;
        Ok(model.with_sigma_prior(Prior::cauchy(2.5)))
    }

    /// The same on whether the mother finished high school, her IQ, and the product of both.
    pub fn kidscore_interaction(data: &Value) -> Result<Self, TargetError> {
        let [score, iq, school] =
            [column(data, "kid_score")?, column(data, "mom_iq")?, column(data, "mom_hs")?];
        let one = vec![1.0; score.len()];
        let product = products(&iq, &school);
        let columns: [(&str, &[f64]); 4] =
            [("constant", &one), ("mom_hs", &school), ("mom_iq", &iq), ("mom_hs * mom_iq", &product)];
        Ok(Self::new(&columns, &score)?.with_sigma_prior(Prior::cauchy(2.5)))
    }

    /// Leaf weight of mesquite bushes on six measurements.
    pub fn mesquite(data: &Value) -> Result<Self, TargetError> {
        Self::mesquite_with(data, |values, _| Ok(values.to_vec()))
    }

    /// The same in logarithms, except for the group.
    pub fn logmesquite(data: &Value) -> Result<Self, TargetError> {
        Self::mesquite_with(data, logarithms)
    }

    fn mesquite_with(
        data: &Value,
        scale: impl Fn(&[f64], &str) -> Result<Vec<f64>, TargetError>,
    ) -> Result<Self, TargetError> {
        let names = ["weight", "diam1", "diam2", "canopy_height", "total_height", "density"];
        let scaled: Vec<Vec<f64>> =
            names.iter().map(|name| scale(&column(data, name)?, name)).collect::<Result<_, TargetError>>()?;
        let group = column(data, "group")?;
        let one = vec![1.0; scaled[0].len()];
        let mut columns: Columns<'_> = vec![("constant", &one)];
        columns.extend(names.iter().copied().zip(scaled.iter().map(Vec::as_slice)).skip(1));
        columns.push(("group", &group));
        Self::new(&columns, &scaled[0])
    }

    /// The logarithm of earnings on height, sex, and the product of both.
    pub fn logearn_interaction(data: &Value) -> Result<Self, TargetError> {
        let [earn, height, male] = [column(data, "earn")?, column(data, "height")?, column(data, "male")?];
        let (log_earn, product) = (logarithms(&earn, "earn")?, products(&height, &male));
        let one = vec![1.0; earn.len()];
        let columns: [(&str, &[f64]); 4] =
            [("constant", &one), ("height", &height), ("male", &male), ("height * male", &product)];
        Self::new(&columns, &log_earn)
    }

    /// Summer temperature in Kilpisjärvi on the year, priors from the data file.
    pub fn kilpisjarvi(data: &Value) -> Result<Self, TargetError> {
        let (x, y) = (column(data, "x")?, column(data, "y")?);
        let one = vec![1.0; y.len()];
        let priors = vec![
            Prior::Normal { mean: number(data, "pmualpha")?, scale: positive(data, "psalpha")? },
            Prior::Normal { mean: number(data, "pmubeta")?, scale: positive(data, "psbeta")? },
        ];
        let model = Self::new(&[("constant", &one), ("x", &x)], &y)?.with_priors(priors, Prior::Flat)?;
        Ok(model.named(vec![Variable::new("alpha", &[]), Variable::new("beta", &[])])?)
    }

    /// The logarithm of a diamond's price on 24 centred columns; the intercept is that of the centred columns.
    pub fn diamonds(data: &Value) -> Result<Self, TargetError> {
        if number(data, "prior_only")? != 0.0 {
            return Err(TargetError::Type { name: "prior_only".to_string(), expected: "0" });
        }
        let (price, mut design) = (column(data, "Y")?, matrix(data, "X")?);
        for c in &mut design {
            let mean = c.iter().sum::<f64>() / c.len() as f64;
            c.iter_mut().for_each(|v| *v -= mean);
        }
        let one = vec![1.0; price.len()];
        // The first column of the file is the constant.
        let mut columns: Columns<'_> = design.iter().skip(1).map(|c| ("X", c.as_slice())).collect();
        let slopes = columns.len();
        columns.push(("constant", &one));
        let mut priors = vec![Prior::normal(1.0); slopes];
        priors.push(Prior::StudentT { freedom: 3.0, centre: 8.0, scale: 10.0 });
        let sigma = Prior::StudentT { freedom: 3.0, centre: 0.0, scale: 10.0 };
        let model = Self::new(&columns, &price)?.with_priors(priors, sigma)?;
        Ok(model.named(vec![Variable::new("b", &[slopes]), Variable::new("Intercept", &[])])?)
    }

    /// Party identification on ideology, race, age group, education, gender and income.
    pub fn nes(data: &Value) -> Result<Self, TargetError> {
        let names = ["partyid7", "real_ideo", "race_adj", "educ1", "gender", "income", "age_discrete"];
        let read: Vec<Vec<f64>> = names.iter().map(|n| column(data, n)).collect::<Result<_, _>>()?;
        let [party, ideology, race, education, gender, income, age] = &read[..] else { unreachable!() };
        let group = |g: f64| age.iter().map(|a| f64::from(u8::from(*a == g))).collect::<Vec<_>>();
        let [middle, older, oldest] = [group(2.0), group(3.0), group(4.0)];
        let one = vec![1.0; party.len()];
        let columns: [(&str, &[f64]); 9] = [
            ("constant", &one),
            ("real_ideo", ideology),
            ("race_adj", race),
            ("age30_44", &middle),
            ("age45_64", &older),
            ("age65up", &oldest),
            ("educ1", education),
            ("gender", gender),
            ("income", income),
        ];
        Self::new(&columns, party)
    }

    /// Simulated data with correlated coefficients, under normal priors of scale 10.
    pub fn sblrc(data: &Value) -> Result<Self, TargetError> {
        let (y, design) = (column(data, "y")?, matrix(data, "X")?);
        let columns: Columns<'_> = design.iter().map(|c| ("X", c.as_slice())).collect();
        let wide = Prior::normal(10.0);
        Ok(Self::new(&columns, &y)?.with_priors(vec![wide; columns.len()], wide)?)
    }

    /// An autoregression of order `K`, given the first `K` values.
    pub fn autoregression(data: &Value) -> Result<Self, TargetError> {
        let (y, order) = (column(data, "y")?, count(data, "K")?);
        if order == 0 || y.len() <= order {
            return Err(TargetError::Empty { rows: y.len().saturating_sub(order), columns: order });
        }
        let one = vec![1.0; y.len() - order];
        let mut columns: Columns<'_> = vec![("constant", &one)];
        columns.extend((1..=order).map(|lag| ("lag", &y[order - lag..y.len() - lag])));
        same_length(&columns)?;
        let wide = vec![Prior::normal(10.0); order + 1];
        let model = Self::new(&columns, &y[order..])?.with_priors(wide, Prior::cauchy(2.5))?;
        Ok(model.named(vec![Variable::new("alpha", &[]), Variable::new("beta", &[order])])?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::density::Model;
    use serde_json::json;

    #[test]
    fn the_autoregression_looks_back_in_the_right_order() {
        let y = [0.5f64, -1.0, 2.0, 0.3, 1.7, -0.4, 0.9];
        let m = LinearRegression::autoregression(&json!({"K": 2, "T": 7, "y": y})).unwrap();
        let (alpha, beta, sigma) = (0.2, [0.7, -0.3], 1.3f64);
        let square: f64 =
            (2..7).map(|t| (y[t] - alpha - beta[0] * y[t - 1] - beta[1] * y[t - 2]).powi(2)).sum();
        let priors = -0.5 * (0.04 + 0.49 + 0.09) / 100.0 - (sigma * sigma / 6.25).ln_1p();
        let expected = -5.0 * sigma.ln() - square / (2.0 * sigma * sigma) + priors;
        assert!((m.log_prob(&[alpha, beta[0], beta[1], sigma]).unwrap() - expected).abs() < 1e-12);
    }

    #[test]
    fn diamonds_centres_its_columns_and_drops_the_constant() {
        let (x, y) = ([1.0, 2.0, 4.0, 5.0, 8.0], [7.0, 8.0, 9.5, 8.2, 11.0]);
        let rows: Vec<[f64; 2]> = x.iter().map(|x| [1.0, *x]).collect();
        let m = LinearRegression::diamonds(&json!({"Y": y, "X": rows, "prior_only": 0})).unwrap();
        let (b, intercept, sigma) = (0.4, 8.5, 0.9f64);
        let square: f64 = x.iter().zip(y).map(|(x, y)| (y - intercept - b * (x - 4.0)).powi(2)).sum();
        let t = |v: f64| -2.0 * (v * v / 3.0).ln_1p();
        let priors = -0.5 * b * b + t((intercept - 8.0) / 10.0) + t(sigma / 10.0);
        let expected = -5.0 * sigma.ln() - square / (2.0 * sigma * sigma) + priors;
        assert!((m.log_prob(&[b, intercept, sigma]).unwrap() - expected).abs() < 1e-12);
        assert!(LinearRegression::diamonds(&json!({"Y": y, "X": rows, "prior_only": 1})).is_err());
    }

    #[test]
    fn earnings_must_be_positive() {
        let data = json!({"earn": [1.0, 0.0], "height": [60, 70], "male": [0, 1]});
        assert!(LinearRegression::logearn_interaction(&data).unwrap_err().to_string().contains("`earn`"));
    }
}
