//! Layers with a way around them: `y = main(x) + skip(x)`, where the way around may be the identity. Reference: [he2016deep].

use serde::{Deserialize, Serialize};

use super::{Backward, Layer, LayerSpec, Push, PushBack, Settings, Shape};
use crate::Stream;
use crate::net::network_spec;
use crate::net::parameters::{ArraySpec, Parameters};
use crate::net::sequential::{Init, Scratch, Sequential, grow};
use crate::net::stage::Mode;
use crate::net::tangent::AlongBack;
use mixwell_vector::Real;
use mixwell_vector::block::buffer_len;
use mixwell_vector::matmul::Finish;

/// Settings of a residual block.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Residual {
    /// The layers.
    pub main: Vec<LayerSpec>,
    /// The way around them; nothing is the identity.
    #[serde(default)]
    pub skip: Vec<LayerSpec>,
}

impl Settings for Residual {
    fn output(&self, input: Shape) -> Result<Shape, String> {
        let main = network_spec::output("main", &self.main, input)?;
        let skip = network_spec::output("skip", &self.skip, input)?;
        if main == skip {
            Ok(main)
        } else {
            Err(format!("its layers give {main}, the way around them {skip}"))
        }
    }

    fn bytes(&self, input: Shape, _: Shape) -> u64 {
        network_spec::bytes(&self.main, input).saturating_add(network_spec::bytes(&self.skip, input))
    }

    fn build<T: Real>(&self, input: Shape, _: Shape, offset: usize) -> Box<dyn Layer<T>> {
        let main = Sequential::from_layers(&self.main, input, offset);
        let after = offset + main.n_params();
        let skip = (!self.skip.is_empty()).then(|| Sequential::from_layers(&self.skip, input, after));
        Box::new(Block { main, skip })
    }
}

#[derive(Clone, Debug)]
struct Block<T> {
    main: Sequential<T>,
    skip: Option<Sequential<T>>,
}

impl<T> Block<T> {
    fn parts(&self) -> impl Iterator<Item = &Sequential<T>> {
        std::iter::once(&self.main).chain(&self.skip)
    }
}

impl<T: Real> Block<T> {
    fn run(&self, mode: Mode, x: &[T], y: &mut [T], tape: &mut [T], rows: usize) {
        let len = buffer_len(rows, self.main.n_out());
        let (main, rest) = tape.split_at_mut(self.main.tape_len(rows));
        self.main.run(mode, x, main, rows);
        y[..len].copy_from_slice(self.main.output(main, rows));
        let around = match &self.skip {
            None => &x[..len],
            Some(skip) => {
                skip.run(mode, x, rest, rows);
                skip.output(rest, rows)
            }
        };
        for (y, around) in y[..len].iter_mut().zip(around) {
            *y += *around;
        }
    }

    fn run_back(&self, mode: Mode, pass: Backward<'_, T>, scratch: &mut Scratch<T>) {
        let Backward { x, tape, dy, mut dx, mut gradient, rows, .. } = pass;
        let (len_in, len) = (buffer_len(rows, self.main.n_in()), buffer_len(rows, self.main.n_out()));
        let (main, rest) = tape.split_at(self.main.tape_len(rows));
        let Scratch { inner, copies: [copy, around], .. } = scratch;
        let inner = inner.get_or_insert_default();
        grow(copy, len);
        copy[..len].copy_from_slice(&dy[..len]);
        let into = dx.as_mut().map(|(dx, _)| &mut **dx);
        self.main.run_back(mode, x, main, copy, into, gradient.as_deref_mut(), inner, rows);
        let around = match &self.skip {
            None => &dy[..len],
            Some(skip) => {
                grow(around, len_in);
                let into = dx.is_some().then_some(around.as_mut_slice());
                skip.run_back(mode, x, rest, dy, into, gradient, inner, rows);
                &around[..len_in]
            }
        };
        if let Some((dx, _)) = dx {
            for (dx, around) in dx[..len_in].iter_mut().zip(around) {
                *dx += *around;
            }
        }
    }
}

impl<T: Real> Layer<T> for Block<T> {
    fn n_in(&self) -> usize {
        self.main.n_in()
    }

    fn n_out(&self) -> usize {
        self.main.n_out()
    }

    fn n_params(&self) -> usize {
        self.parts().map(Sequential::n_params).sum()
    }

    fn layout(&self, name: &dyn Fn(&str) -> String) -> Vec<ArraySpec> {
        let mut arrays = self.main.layout(&format!("{}.", name("main")));
        arrays.extend(self.skip.iter().flat_map(|s| s.layout(&format!("{}.", name("skip")))));
        arrays
    }

    fn initialise(&self, params: &mut [T], init: Init, last: bool, stream: &mut Stream) {
        let init =
            if init == Init::ZeroLast && !last { Init::Normal(std::f64::consts::SQRT_2) } else { init };
        self.main.initialise(params, init, stream);
        if let Some(skip) = &self.skip {
            skip.initialise(params, init, stream);
        }
    }

    fn initialise_from_batch(&mut self, x: &[T], params: &mut [T], rows: usize) {
        self.main.initialise_from_batch(x, params, rows);
        if let Some(skip) = &mut self.skip {
            skip.initialise_from_batch(x, params, rows);
        }
    }

    fn pack(&mut self, params: &[T]) {
        self.main.pack(params);
        if let Some(skip) = &mut self.skip {
            skip.pack(params);
        }
    }

    fn tape_features(&self) -> usize {
        self.parts().map(Sequential::tape_features).sum()
    }

    fn push_features(&self) -> usize {
        self.parts().map(Sequential::tangent_features).sum()
    }

    fn bends(&self) -> bool {
        self.parts().any(Sequential::bends)
    }

    fn is_smooth(&self) -> bool {
        self.parts().all(Sequential::is_smooth)
    }

    fn shares_work(&self) -> bool {
        self.parts().any(Sequential::shares_work)
    }

    fn work(&self) -> usize {
        self.parts().map(Sequential::work).sum()
    }

    fn forward(&self, x: &[T], y: &mut [T], tape: &mut [T], _: Finish<'_, T>, rows: usize) {
        self.run(Mode::Evaluation, x, y, tape, rows);
    }

    fn advance(&self, gradient: &mut [T]) {
        self.parts().for_each(|part| part.advance(gradient));
    }

    fn couples_rows(&self) -> bool {
        self.parts().any(Sequential::couples_rows)
    }

    fn forward_training(&self, x: &[T], y: &mut [T], tape: &mut [T], _: Finish<'_, T>, rows: usize) {
        self.run(Mode::Training, x, y, tape, rows);
    }

    fn backward_training(&self, pass: Backward<'_, T>, scratch: &mut Scratch<T>) {
        self.run_back(Mode::Training, pass, scratch);
    }

    fn backward(&self, pass: Backward<'_, T>, scratch: &mut Scratch<T>) {
        self.run_back(Mode::Evaluation, pass, scratch);
    }

    fn push(&self, pass: Push<'_, T>) {
        let Push { x, tape, p, s, own, rows } = pass;
        let len = buffer_len(rows, self.n_out());
        let (main, rest) = tape.split_at(self.main.tape_len(rows));
        let (own, own_rest) = own.split_at_mut(self.main.tangents_len(1));
        self.main.forward_tangents((x, p), main, own, 1, rows);
        s[..len].copy_from_slice(self.main.tangent_outputs(own, 1));
        let around = match &self.skip {
            None => &p[..len],
            Some(skip) => {
                skip.forward_tangents((x, p), rest, own_rest, 1, rows);
                skip.tangent_outputs(own_rest, 1)
            }
        };
        s[..len].iter_mut().zip(around).for_each(|(s, around)| *s += *around);
    }

    fn push_back(&self, pass: PushBack<'_, T>, scratch: &mut Scratch<T>) {
        let PushBack { x, tape, p, own, ds, mut dp, mut dx, mut gradient, rows } = pass;
        let len_in = buffer_len(rows, self.n_in());
        let (main, rest) = tape.split_at(self.main.tape_len(rows));
        let (own, own_rest) = own.split_at(self.main.tangents_len(1));
        let Scratch { inner, copies: [bent, around], .. } = scratch;
        let inner = inner.get_or_insert_default();
        grow(bent, len_in);
        let into = dx.is_some().then_some(&mut bent[..len_in]);
        let given = AlongBack { d_output: None, d_tangents: ds, dx: into, dp: dp.as_deref_mut() };
        self.main.backward_tangents((x, p), (main, own), given, gradient.as_deref_mut(), inner, rows);
        if let Some(dx) = &mut dx {
            dx[..len_in].iter_mut().zip(&*bent).for_each(|(dx, bent)| *dx += *bent);
        }
        let around = match &self.skip {
            None => &ds[..],
            Some(skip) => {
                grow(around, len_in);
                let into = dx.is_some().then_some(&mut bent[..len_in]);
                let along = dp.is_some().then_some(&mut around[..len_in]);
                let given = AlongBack { d_output: None, d_tangents: ds, dx: into, dp: along };
                skip.backward_tangents((x, p), (rest, own_rest), given, gradient, inner, rows);
                if let Some(dx) = &mut dx {
                    dx[..len_in].iter_mut().zip(&*bent).for_each(|(dx, bent)| *dx += *bent);
                }
                &around[..]
            }
        };
        if let Some(dp) = dp {
            dp[..len_in].iter_mut().zip(around).for_each(|(dp, around)| *dp += *around);
        }
    }

    fn clone_box(&self) -> Box<dyn Layer<T>> {
        Box::new(self.clone())
    }
}
