//! Points and draws as arrays of the crate ndarray, and back; with the feature `ndarray` only.
//!
//! Views of points cost nothing in either direction. `Array2` is `rows x dim`; the draws of a variable are an `ArrayD` of shape
//! `chains x draws x shape`.
//!
//! ```
//! use mixwell::density::StandardGaussianConfig;
//! use mixwell::kernel::nuts;
//! use mixwell::sampler::Sampler;
//! use mixwell::{Batch, Points};
//! use ndarray::{Array2, ArrayD, ArrayView2, Axis};
//!
//! let points: Points = Array2::from_shape_fn((4, 2), |(i, j)| (i + j) as f64).try_into()?;
//! let view = ArrayView2::from(&points);
//! assert_eq!((view.dim(), view[[3, 1]]), ((4, 2), 4.0));
//! assert_eq!(Batch::try_from(view)?, points.as_batch());
//!
//! let target = StandardGaussianConfig { dim: 3, ..Default::default() }.build()?;
//! let run = Sampler::new(target).method(nuts().warmup(50)).chains(2).draws(10).run()?;
//! let x = ArrayD::from(run.array("x")?);
//! assert_eq!(x.shape(), [2, 10, 3]);
//! let of_one_draw = x.mean_axis(Axis(2)).unwrap();
//! assert_eq!(of_one_draw.shape(), [2, 10]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use ndarray::{Array2, ArrayD, ArrayView2, ArrayViewD, ArrayViewMut2, IxDyn};

use crate::sampler::DrawArray;
use crate::{Batch, BatchMut, Points, PointsError};

/// Rows and columns, which a view of its own numbers always has.
const FITS: &str = "rows times columns numbers";

impl TryFrom<Array2<f64>> for Points {
    type Error = PointsError;

    /// Takes the numbers where they lie row after row, and copies them where not.
    fn try_from(array: Array2<f64>) -> Result<Self, PointsError> {
        let dim = columns(array.dim())?;
        let array = if array.is_standard_layout() { array } else { array.as_standard_layout().into_owned() };
        // What an array was cut from may still lie around it.
        let len = array.len();
        let (mut data, first) = array.into_raw_vec_and_offset();
        data.drain(..first.unwrap_or(0));
        data.truncate(len);
        Ok(Self::from_vec(data, dim))
    }
}

impl TryFrom<ArrayView2<'_, f64>> for Points {
    type Error = PointsError;

    /// Copies the numbers, however they lie.
    fn try_from(array: ArrayView2<'_, f64>) -> Result<Self, PointsError> {
        Ok(Self::from_vec(array.iter().copied().collect(), columns(array.dim())?))
    }
}

impl<'a> TryFrom<ArrayView2<'a, f64>> for Batch<'a> {
    type Error = PointsError;

    /// A view of the same numbers, which must lie row after row.
    fn try_from(array: ArrayView2<'a, f64>) -> Result<Self, PointsError> {
        let dim = columns(array.dim())?;
        Ok(Batch::new(array.to_slice().ok_or(PointsError::Layout)?, dim))
    }
}

/// Columns of an array that can be points.
fn columns((_, columns): (usize, usize)) -> Result<usize, PointsError> {
    if columns == 0 { Err(PointsError::NoColumn) } else { Ok(columns) }
}

impl From<Points> for Array2<f64> {
    fn from(points: Points) -> Self {
        let shape = (points.rows(), points.dim());
        Array2::from_shape_vec(shape, points.into_vec()).expect(FITS)
    }
}

impl<'a> From<Batch<'a>> for ArrayView2<'a, f64> {
    fn from(batch: Batch<'a>) -> Self {
        ArrayView2::from_shape((batch.rows(), batch.dim()), batch.data()).expect(FITS)
    }
}

impl<'a> From<&'a Points> for ArrayView2<'a, f64> {
    fn from(points: &'a Points) -> Self {
        ArrayView2::from_shape((points.rows(), points.dim()), points.data()).expect(FITS)
    }
}

impl<'a> From<BatchMut<'a>> for ArrayViewMut2<'a, f64> {
    fn from(batch: BatchMut<'a>) -> Self {
        let shape = (batch.rows(), batch.dim());
        ArrayViewMut2::from_shape(shape, batch.into_data()).expect(FITS)
    }
}

/// `chains x draws x shape`.
fn shape(draws: &DrawArray) -> IxDyn {
    IxDyn(&[&[draws.chains(), draws.draws()], draws.shape()].concat())
}

impl From<DrawArray> for ArrayD<f64> {
    fn from(draws: DrawArray) -> Self {
        ArrayD::from_shape_vec(shape(&draws), draws.into_values()).expect(FITS)
    }
}

impl<'a> From<&'a DrawArray> for ArrayViewD<'a, f64> {
    fn from(draws: &'a DrawArray) -> Self {
        ArrayViewD::from_shape(shape(draws), draws.values()).expect(FITS)
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Axis, Slice, array};

    use super::*;
    use crate::density::EightSchoolsConfig;
    use crate::density::Pointwise;
    use crate::kernel::nuts;
    use crate::sampler::Sampler;

    #[test]
    fn arrays_become_points_however_they_lie() {
        let a = array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]];
        let expected = Points::from_rows(&[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
        assert_eq!(Points::try_from(a.view()), Ok(expected.clone()));
        assert_eq!(Array2::from(expected.clone()), a);
        let turned = Points::from_rows(&[[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]]);
        assert_eq!(Points::try_from(a.t()), Ok(turned.clone()));
        assert_eq!(Points::try_from(a.clone().reversed_axes()), Ok(turned));
        // Part of an array keeps numbers before and behind it.
        for (part, row) in [(Slice::from(1..), [4.0, 5.0, 6.0]), (Slice::from(..1), [1.0, 2.0, 3.0])] {
            let mut cut = a.clone();
            cut.slice_axis_inplace(Axis(0), part);
            assert_eq!(Points::try_from(cut), Points::try_from([row]));
        }
        assert_eq!(Points::try_from(a), Ok(expected));
    }

    #[test]
    fn views_share_their_numbers() {
        let mut points = Points::from_rows(&[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]);
        ArrayViewMut2::from(points.as_batch_mut())[[2, 1]] = 9.0;
        let view = ArrayView2::from(points.as_batch().slice(1..3));
        assert_eq!(view, array![[3.0, 4.0], [5.0, 9.0]]);
        assert_eq!(Batch::try_from(view), Ok(points.as_batch().slice(1..3)));
        assert_eq!(Batch::try_from(view.reversed_axes()), Err(PointsError::Layout));
        assert_eq!(Points::try_from(Array2::<f64>::zeros((3, 0))), Err(PointsError::NoColumn));
        assert_eq!(Points::try_from(Array2::<f64>::zeros((0, 2))).map(|p| (p.rows(), p.dim())), Ok((0, 2)));
    }

    #[test]
    fn draws_keep_their_shapes() {
        let target = Pointwise::new(EightSchoolsConfig::default().build().unwrap());
        let run = Sampler::new(target).method(nuts().warmup(20)).chains(3).draws(7).run().unwrap();
        let (mu, theta) = (run.array("mu").unwrap(), run.array("theta").unwrap());
        assert_eq!(ArrayD::from(mu).shape(), [3, 7]);
        let view = ArrayViewD::from(&theta);
        assert_eq!((view.shape(), view[[2, 5, 1]]), (&[3, 7, 8][..], theta.draw(2, 5)[1]));
    }
}
