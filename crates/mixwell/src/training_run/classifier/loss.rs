//! Cross-entropy of a classifier on images: `-log softmax(logits)[class]`, its mean over a batch and the gradient in the logits,
//! `(softmax - 1[class]) / rows`. The logarithm is taken of shifted exponentials in double precision, so no logit overflows it.

use super::confusion::Confusion;
use super::data::Data;
use super::shift::shifted;
use crate::image::ImageSet;
use crate::net::{Gradient, Network};
use crate::train::{ExampleLoss, LossValue};
use crate::{Batch, BatchMut, Points, Stream};

/// Rows that are evaluated at a time where no gradient is needed.
const ROWS: usize = 256;

/// What images are learned from, with working memory.
#[derive(Debug)]
pub(super) struct CrossEntropy {
    pub data: Data,
    shift: usize,
    table: [f64; 256],
    images: Points,
    logits: Points,
    /// Of the last batch: images found right.
    pub right: usize,
    /// Of the last look at what is held out.
    pub held_out: Option<Confusion>,
}

impl CrossEntropy {
    pub fn new(data: Data, classes: usize, batch: usize, shift: usize, [low, high]: [f64; 2]) -> Self {
        let rows = batch.max(ROWS);
        Self {
            shift,
            table: std::array::from_fn(|i| low + i as f64 / 255.0 * (high - low)),
            images: Points::zeros(rows, data.train.shape().dim()),
            logits: Points::zeros(rows, classes),
            data,
            right: 0,
            held_out: None,
        }
    }

    /// Mean loss and confusion of some images.
    fn look(
        &mut self,
        net: &Network<f32>,
        of: impl Fn(&Data) -> &ImageSet,
        which: &[usize],
    ) -> (f64, Confusion) {
        let Self { data, table, images, logits, .. } = self;
        let set = of(data);
        let classes = logits.dim();
        let mut confusion = Confusion::new(classes);
        let mut sum = 0.0;
        for some in which.chunks(ROWS) {
            for (row, i) in some.iter().enumerate() {
                let to = images.row_mut(row);
                to.iter_mut().zip(set.image(*i)).for_each(|(to, from)| *to = table[usize::from(*from)]);
            }
            net.values(
                images.as_batch().slice(0..some.len()),
                logits.as_batch_mut().slice_mut(0..some.len()),
            );
            for (row, i) in some.iter().enumerate() {
                let class = class_of(set, *i);
                let (loss, found) = softmax(logits.row_mut(row), class);
                sum += loss;
                confusion.add(class, found);
            }
        }
        (sum / which.len() as f64, confusion)
    }

    /// Mean loss and confusion of the test images, where there are some.
    pub fn test(&mut self, net: &Network<f32>) -> Option<(f64, Confusion)> {
        let all: Vec<usize> = (0..self.data.test.as_ref()?.len()).collect();
        Some(self.look(net, |data| data.test.as_ref().expect("just looked"), &all))
    }

    /// Mean loss and confusion of what is held out; of what is learned from where nothing is.
    pub fn look_back(&mut self, net: &Network<f32>) -> (f64, Confusion) {
        let held_out = &self.data.held_out;
        let which = if held_out.is_empty() { &self.data.learned } else { held_out };
        let which = which.clone();
        self.look(net, |data| &data.train, &which)
    }

    /// Some images that are learned from, as numbers.
    pub fn some_images(&self) -> Points {
        let (set, dim) = (&self.data.train, self.data.train.shape().dim());
        let some = self.data.learned.iter().take(ROWS).flat_map(|i| set.image(*i));
        Points::from_vec(some.map(|pixel| self.table[usize::from(*pixel)]).collect(), dim)
    }

    /// Mean loss of some images that are learned from.
    pub fn of_first(&mut self, net: &Network<f32>) -> f64 {
        let which: Vec<usize> = self.data.learned.iter().copied().take(1024).collect();
        self.look(net, |data| &data.train, &which).0
    }
}

fn class_of(set: &ImageSet, image: usize) -> usize {
    set.labels().map_or(0, |labels| labels[image] as usize)
}

/// The loss of a row and the class that it is taken for; the logits become the probabilities.
fn softmax(logits: &mut [f64], class: usize) -> (f64, usize) {
    let mut found = 0;
    for (i, value) in logits.iter().enumerate() {
        if *value > logits[found] {
            found = i;
        }
    }
    let (largest, own) = (logits[found], logits[class]);
    let mut total = 0.0;
    for value in logits.iter_mut() {
        *value = (*value - largest).exp();
        total += *value;
    }
    logits.iter_mut().for_each(|p| *p /= total);
    (total.ln() + largest - own, found)
}

impl ExampleLoss<Network<f32>> for CrossEntropy {
    fn n_examples(&self) -> usize {
        self.data.learned.len()
    }

    fn evaluate(
        &mut self,
        net: &Network<f32>,
        which: &[usize],
        stream: &mut Stream,
        gradient: &mut Gradient,
    ) -> LossValue {
        let Self { data, table, images, shift, .. } = self;
        let (rows, shape) = (which.len(), data.train.shape());
        for (row, i) in which.iter().enumerate() {
            let image = data.train.image(data.learned[*i]);
            shifted(image, shape, *shift, table, stream, images.row_mut(row));
        }
        let x = images.as_batch().slice(0..rows);
        let mut right = 0;
        let cross_entropy = |logits: Batch<'_>, mut slope: BatchMut<'_>| {
            let mut sum = 0.0;
            for (row, i) in which.iter().enumerate() {
                let class = class_of(&data.train, data.learned[*i]);
                let slope = slope.row_mut(row);
                slope.copy_from_slice(logits.row(row));
                let (loss, found) = softmax(slope, class);
                sum += loss;
                right += usize::from(found == class);
                slope[class] -= 1.0;
                slope.iter_mut().for_each(|p| *p /= rows as f64);
            }
            sum / rows as f64
        };
        let gradient = gradient.slice_mut().expect("single precision");
        let loss = net.training_pass(x, cross_entropy, gradient);
        self.right = right;
        loss.into()
    }

    fn validate(&mut self, net: &Network<f32>) -> Option<f64> {
        if self.data.held_out.is_empty() {
            return None;
        }
        let (loss, confusion) = self.look_back(net);
        self.held_out = Some(confusion);
        Some(loss)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loss_of_a_row_by_hand() {
        // Logits ln 1, ln 2, ln 5: probabilities 1/8, 2/8, 5/8.
        let mut row = [0.0, 2f64.ln(), 5f64.ln()];
        let (loss, found) = softmax(&mut row, 1);
        assert!((loss - 4f64.ln()).abs() < 1e-15 && found == 2);
        assert!((row[0] - 0.125).abs() < 1e-15 && (row[2] - 0.625).abs() < 1e-15);
        let mut large = [1000.0, 0.0];
        let (loss, _) = softmax(&mut large, 1);
        assert_eq!(loss, 1000.0);
        assert!(softmax(&mut [f64::NAN, 0.0], 1).0.is_nan());
    }
}
