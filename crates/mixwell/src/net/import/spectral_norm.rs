//! Spectral normalisation, folded into the weights.
//!
//! PyTorch keeps `weight_orig` W and the vectors `weight_u`, `weight_v` of the last power iteration. In evaluation the layer works
//! with `W / sigma`, `sigma = u' M v`, where the matrix M has the output channels as rows and all else as columns. The output
//! channels are axis 0 of W, and axis 1 in a transposed convolution. Reference: Miyato, Kataoka, Koyama and Yoshida 2018
//! (arXiv:1802.05957).

use super::{ArrayValues, ImportError, NamedArray, NamedArrays};

/// What the three arrays of a layer are called: by `torch.nn.utils.spectral_norm`, and by the newer one of `parametrizations`.
const NAMES: [[&str; 3]; 2] = [
    ["weight_orig", "weight_u", "weight_v"],
    ["parametrizations.weight.original", "parametrizations.weight.0._u", "parametrizations.weight.0._v"],
];

impl NamedArrays {
    /// The arrays with `weight` instead of `weight_orig`, `weight_u` and `weight_v`, in the place of the first, for every layer
    /// that has them. `transposed` says of a layer, by its name (`"main.3"`), whether it is a transposed convolution.
    ///
    /// # Errors
    /// When one of the three is missing or has another shape than the weights ask for, or when sigma is no positive number.
    pub fn fold_spectral_norm(&self, transposed: impl Fn(&str) -> bool) -> Result<Self, ImportError> {
        let mut arrays = Vec::with_capacity(self.len());
        for array in self {
            let part = |i: usize| {
                let layer =
                    |names: &[&'static str; 3]| Some((array.name.strip_suffix(names[i])?.to_owned(), *names));
                NAMES.iter().find_map(layer).filter(|(layer, _)| layer.is_empty() || layer.ends_with('.'))
            };
            if let Some((layer, names)) = part(0) {
                let axis = usize::from(transposed(layer.trim_end_matches('.')));
                arrays.push(self.folded(array, &layer, names, axis)?);
                continue;
            }
            let belongs = |(layer, names): (String, [&str; 3])| self.get(&(layer + names[0])).is_some();
            if !(1..3).filter_map(part).any(belongs) {
                arrays.push(array.clone());
            }
        }
        self.replaced(arrays)
    }

    fn folded(
        &self,
        array: &NamedArray,
        layer: &str,
        names: [&str; 3],
        axis: usize,
    ) -> Result<NamedArray, ImportError> {
        let wrong = |reason| ImportError::Array { name: array.name.clone(), reason };
        let Some(&rows) = array.shape.get(axis) else {
            return Err(wrong(format!("shape {:?} has no axis {axis} of output channels", array.shape)));
        };
        let w = array.values.to_f64();
        let columns = w.len().checked_div(rows).unwrap_or(0);
        let vector = |i: usize, n: usize| {
            let name = format!("{layer}{}", names[i]);
            Ok::<_, ImportError>(self.with_shape(&name, &[n])?.values.to_f64())
        };
        let (u, v) = (vector(1, rows)?, vector(2, columns)?);
        // W is [before][rows][after]; a row of M runs over `before` and `after`.
        let after: usize = array.shape[axis + 1..].iter().product();
        let mut sigma = 0.0;
        for (i, value) in w.iter().enumerate() {
            let (before, row, rest) = (i / (rows * after), i / after % rows, i % after);
            sigma += u[row] * value * v[before * after + rest];
        }
        if !(sigma > 0.0 && sigma.is_finite()) {
            return Err(wrong(format!(
                "its spectral norm u' W v is {sigma}; are u and v those of a trained network?"
            )));
        }
        let values = match &array.values {
            ArrayValues::F32(_) => ArrayValues::F32(w.iter().map(|x| (x / sigma) as f32).collect()),
            _ => ArrayValues::F64(w.iter().map(|x| x / sigma).collect()),
        };
        Ok(NamedArray { name: format!("{layer}weight"), values, ..array.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::import::{ArrayFileKind, ElementType};

    fn array(name: &str, shape: &[usize], values: &[f64]) -> NamedArray {
        let (shape, values) = (shape.to_vec(), ArrayValues::F64(values.to_vec()));
        NamedArray { name: name.into(), shape, element: ElementType::F64, values }
    }

    fn file(arrays: Vec<NamedArray>) -> NamedArrays {
        NamedArrays::new(ArrayFileKind::TorchZip, arrays, vec![]).unwrap()
    }

    #[test]
    fn a_matrix_is_divided_by_its_norm() {
        let all = file(vec![
            array("a.bias", &[2], &[1.0, 2.0]),
            array("a.weight_orig", &[2, 3], &[3.0, 0.0, 0.0, 0.0, 4.0, 0.0]),
            array("a.weight_u", &[2], &[0.0, 1.0]),
            array("a.weight_v", &[3], &[0.0, 1.0, 0.0]),
            array("b.weight_u", &[1], &[5.0]),
        ]);
        let folded = all.fold_spectral_norm(|_| false).unwrap();
        let names: Vec<&str> = folded.iter().map(|a| a.name.as_str()).collect();
        assert_eq!(names, ["a.bias", "a.weight", "b.weight_u"]);
        let weight = folded.with_shape("a.weight", &[2, 3]).unwrap();
        assert_eq!(weight.values, ArrayValues::F64(vec![0.75, 0.0, 0.0, 0.0, 1.0, 0.0]));
    }

    #[test]
    fn a_transposed_convolution_has_its_channels_on_the_second_axis() {
        // Two input channels, three output channels, a kernel of two numbers: the matrix is [3][2 * 2].
        let w: Vec<f64> = (1..=12).map(f64::from).collect();
        let (u, v) = ([0.5, -0.25, 1.0], [0.1, 0.2, 0.3, 0.4]);
        let mut sigma = 0.0;
        for input in 0..2 {
            for output in 0..3 {
                for k in 0..2 {
                    sigma += u[output] * w[(input * 3 + output) * 2 + k] * v[input * 2 + k];
                }
            }
        }
        for names in NAMES {
            let name = |i: usize| format!("main.3.{}", names[i]);
            let all = file(vec![
                array(&name(0), &[2, 3, 1, 2], &w),
                array(&name(1), &[3], &u),
                array(&name(2), &[4], &v),
            ]);
            let folded = all.fold_spectral_norm(|layer| layer == "main.3").unwrap();
            let weight = folded.with_shape("main.3.weight", &[2, 3, 1, 2]).unwrap();
            for (found, w) in weight.values.to_f64().iter().zip(&w) {
                assert!((found - w / sigma).abs() < 1e-14);
            }
            let e = all.fold_spectral_norm(|_| false).unwrap_err().to_string();
            assert!(e.contains("[3]") && e.contains("[2]"), "{e}");
        }
    }

    #[test]
    fn what_is_missing_or_has_no_norm_is_told() {
        let w = array("weight_orig", &[1, 1], &[2.0]);
        let (u, v) = (array("weight_u", &[1], &[0.0]), array("weight_v", &[1], &[1.0]));
        let reason = |arrays| file(arrays).fold_spectral_norm(|_| false).unwrap_err().to_string();
        assert!(reason(vec![w.clone(), u.clone()]).contains("no `weight_v`"));
        assert!(reason(vec![w.clone(), u, v]).contains("is 0"));
        assert!(reason(vec![array("weight_orig", &[], &[2.0])]).contains("axis 0"));
    }
}
