//! The sums of a convolution: products gathered over pixels in both directions, and outer products for the weights.

use std::sync::Arc;

use super::super::spectral_norm::SpectralNorm;
use super::super::weights::Weights;
use super::super::{Backward, is_parallel, is_worth_sharing};
use super::Layer;
use super::geometry::Geometry;
use crate::Stream;
use crate::net::parameters::ArraySpec;
use crate::net::sequential::{Init, Scratch, grow};
use mixwell_vector::Real;
use mixwell_vector::block::{BLOCK, blocks, buffer_len, rows_in};
use mixwell_vector::matmul::{
    Finish, Gather, Panels, WeightPlaces, gather_outer, gather_outer_scratch, gather_product,
};

/// One direction: what is summed where, the weights packed for it, and where they lie in the flat vector.
#[derive(Clone, Debug)]
struct Way<T> {
    gather: Arc<Gather>,
    places: Arc<WeightPlaces>,
    panels: Panels<T>,
}

impl<T: Real> Way<T> {
    fn new(gather: Gather, n_out: usize, places: WeightPlaces) -> Self {
        let panels = Panels::new(gather.depth(), n_out);
        Self { gather: Arc::new(gather), places: Arc::new(places), panels }
    }

    fn pack(&mut self, weights: &[T], n_out: usize, ordered: &mut Vec<T>) {
        let (channels, WeightPlaces { output, channel, taps }) = (self.gather.channels(), &*self.places);
        ordered.clear();
        for o in 0..n_out {
            for tap in taps {
                ordered.extend((0..channels).map(|c| weights[o * output + c * channel + tap]));
            }
        }
        self.panels.pack(ordered, self.gather.depth(), 1);
    }
}

/// A convolution of either kind, ready to run.
#[derive(Clone, Debug)]
pub(super) struct Conv<T> {
    n_in: usize,
    channels: usize,
    pixels: usize,
    weights: Weights<T>,
    forward: Way<T>,
    backward: Way<T>,
    bias: Option<Vec<T>>,
    ordered: Vec<T>,
}

impl<T: Real> Conv<T> {
    pub fn new(
        geometry: &Geometry,
        is_transposed: bool,
        (bias, spectral_norm): (bool, bool),
        offset: usize,
    ) -> Self {
        let (large, small, k) = (geometry.large, geometry.small, geometry.kernel);
        let (taps, order) = (geometry.down(), geometry.order());
        let back = geometry.up(&taps, &order);
        let (step_small, step_large) = (large.channels * k * k, k * k);
        let down = Way::new(
            Gather::new((large.n_pixels(), large.channels), k * k, small.width, taps),
            small.channels,
            WeightPlaces { output: step_small, channel: step_large, taps: (0..k * k).collect() },
        );
        let up = Way::new(
            Gather::new((small.n_pixels(), small.channels), k * k, large.width, back),
            large.channels,
            WeightPlaces { output: step_large, channel: step_small, taps: order },
        );
        let (input, output, forward, backward) =
            if is_transposed { (small, large, up, down) } else { (large, small, down, up) };
        let shape = vec![small.channels, large.channels, k, k];
        let spectral = spectral_norm.then(|| SpectralNorm::new(&shape, usize::from(is_transposed)));
        Self {
            n_in: input.len(),
            channels: output.channels,
            pixels: output.n_pixels(),
            weights: Weights {
                shape,
                n_biases: if bias { output.channels } else { 0 },
                offset,
                fan_in: input.channels * k * k,
                spectral,
            },
            forward,
            backward,
            bias: bias.then(|| vec![T::ZERO; output.channels]),
            ordered: vec![],
        }
    }
}

impl<T: Real> Layer<T> for Conv<T> {
    fn n_in(&self) -> usize {
        self.n_in
    }

    fn n_out(&self) -> usize {
        self.channels * self.pixels
    }

    fn n_params(&self) -> usize {
        self.weights.len()
    }

    fn work(&self) -> usize {
        self.forward.gather.work() * self.channels
    }

    fn shares_work(&self) -> bool {
        is_worth_sharing(self.work(), BLOCK)
    }

    fn finishes(&self) -> bool {
        true
    }

    fn layout(&self, name: &dyn Fn(&str) -> String) -> Vec<ArraySpec> {
        self.weights.layout(name)
    }

    fn initialise(&self, params: &mut [T], init: Init, last: bool, stream: &mut Stream) {
        self.weights.initialise(params, init, last, stream);
    }

    fn pack(&mut self, params: &[T]) {
        let (weights, biases) = self.weights.of(params);
        let weights = self.weights.fold(weights, params);
        let [forward, backward] = [self.channels, self.forward.gather.channels()];
        self.forward.pack(weights, forward, &mut self.ordered);
        self.backward.pack(weights, backward, &mut self.ordered);
        if let Some(bias) = &mut self.bias {
            bias.copy_from_slice(biases);
        }
    }

    fn advance(&self, gradient: &mut [T]) {
        self.weights.advance(gradient);
    }

    fn forward(&self, x: &[T], y: &mut [T], _: &mut [T], finish: Finish<'_, T>, rows: usize) {
        let Way { gather, panels, .. } = &self.forward;
        gather_product(
            (gather, panels),
            self.bias.as_deref(),
            x,
            finish,
            y,
            rows,
            is_parallel(self.work(), rows),
        );
    }

    fn tangent(&self, x: &[T], y: &mut [T], rows: usize) {
        let Way { gather, panels, .. } = &self.forward;
        gather_product((gather, panels), None, x, Finish::Keep, y, rows, is_parallel(self.work(), rows));
    }

    fn backward(&self, pass: Backward<'_, T>, scratch: &mut Scratch<T>) {
        let Backward { x, dy, dx, gradient, is_tangent, rows, .. } = pass;
        let parallel = is_parallel(self.work(), rows);
        if let Some(gradient) = gradient {
            let Way { gather, places, .. } = &self.forward;
            let Scratch { turned, weights, .. } = scratch;
            grow(turned, gather_outer_scratch::<T>(gather, self.channels));
            self.weights.add_gradient(gradient, is_tangent, weights, |weights, mut bias| {
                for b in 0..blocks(rows) {
                    let x = &x[b * self.n_in * BLOCK..];
                    let dy = &dy[buffer_len(b * BLOCK, self.n_out())..];
                    let (bias, dy) = (bias.as_deref_mut(), (dy, self.channels));
                    let weights = (&mut *weights, &**places);
                    gather_outer(gather, dy, x, rows_in(rows, b), weights, bias, turned, parallel);
                }
            });
        }
        if let Some((dx, finish)) = dx {
            let Way { gather, panels, .. } = &self.backward;
            gather_product((gather, panels), None, dy, finish, dx, rows, parallel);
        }
    }

    fn clone_box(&self) -> Box<dyn Layer<T>> {
        Box::new(self.clone())
    }
}
