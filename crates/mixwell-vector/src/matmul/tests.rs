//! The products against plain loops, and rows against themselves in other company.

use super::*;
use crate::Real;
use crate::block::{BLOCK, blocks, buffer_len, load_rows, rows_in, store_rows};
use crate::simd;

/// Numbers in (-2, 2) from a linear congruential generator: any will do, as long as they differ.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 51) as f64 - 2.0
    }
}

fn random(numbers: &mut Numbers, n: usize) -> Vec<f64> {
    (0..n).map(|_| numbers.next()).collect()
}

fn cast<T: Real>(v: &[f64]) -> Vec<T> {
    v.iter().map(|x| T::from_f64(*x)).collect()
}

/// All three products against plain loops, for awkward shapes, within `bound` times the sum of magnitudes.
fn products_agree<T: Real>(bound: f64) {
    let mut s = Numbers(1);
    for (n_in, n_out, rows) in [
        (1, 1, 1),
        (0, 3, 5),
        (2, 7, 64),
        (13, 5, 65),
        (32, 32, 130),
        (70, 67, 17),
        (1, 40, 200),
        (40, 1, 33),
        (5, 12, 48),
        (300, 7, 64),
    ] {
        let w = random(&mut s, n_in * n_out);
        let bias = random(&mut s, n_out);
        let x = random(&mut s, rows * n_in);
        let dy = random(&mut s, rows * n_out);
        let mut forward = Panels::new(n_in, n_out).with_columns();
        let mut backward = Panels::new(n_out, n_in).with_columns();
        forward.pack(&cast::<T>(&w), n_in, 1);
        backward.pack(&cast::<T>(&w), 1, n_in);
        let mut xb = vec![T::NAN; buffer_len(rows, n_in)];
        let mut dyb = vec![T::NAN; buffer_len(rows, n_out)];
        if n_in > 0 {
            load_rows(&x, n_in, &mut xb);
        }
        load_rows(&dy, n_out, &mut dyb);

        let mut yb = vec![T::NAN; buffer_len(rows, n_out)];
        product(&forward, Some(&cast::<T>(&bias)), &xb, Finish::Leaky(T::from_f64(0.1)), &mut yb, rows);
        let mut y = vec![0.0; rows * n_out];
        store_rows(&yb, n_out, &mut y);
        for r in 0..rows {
            for j in 0..n_out {
                let terms = || (0..n_in).map(|k| w[j * n_in + k] * x[r * n_in + k]);
                let u = bias[j] + terms().sum::<f64>();
                let scale = bias[j].abs() + terms().map(f64::abs).sum::<f64>();
                let want = if u > 0.0 { u } else { 0.1 * u };
                assert!((y[r * n_out + j] - want).abs() <= bound * scale, "{n_in} {n_out} {rows}");
            }
        }

        let mut dxb = vec![T::NAN; buffer_len(rows, n_in)];
        product(&backward, None, &dyb, Finish::Gate(T::from_f64(0.5), &xb), &mut dxb, rows);
        let mut dx = vec![0.0; rows * n_in];
        if n_in > 0 {
            store_rows(&dxb, n_in, &mut dx);
        }
        for r in 0..rows {
            for k in 0..n_in {
                let terms = || (0..n_out).map(|j| w[j * n_in + k] * dy[r * n_out + j]);
                let want = terms().sum::<f64>() * if x[r * n_in + k] > 0.0 { 1.0 } else { 0.5 };
                let scale = terms().map(f64::abs).sum::<f64>();
                assert!((dx[r * n_in + k] - want).abs() <= bound * scale, "{n_in} {n_out} {rows}");
            }
        }

        let mut dw = vec![T::ONE; n_in * n_out];
        let mut db = vec![T::ONE; n_out];
        let mut scratch = vec![T::NAN; outer_scratch(n_in, n_out, rows)];
        // Lanes past the last row may hold anything.
        for (f, lane) in
            (0..n_out).flat_map(|f| (rows_in(rows, blocks(rows) - 1)..BLOCK).map(move |l| (f, l)))
        {
            dyb[((blocks(rows) - 1) * n_out + f) * BLOCK + lane] = T::NAN;
        }
        outer((&dyb, n_out), (&xb, n_in), rows, &mut dw, Some(&mut db), &mut scratch);
        for j in 0..n_out {
            for k in 0..n_in {
                let terms = || (0..rows).map(|r| dy[r * n_out + j] * x[r * n_in + k]);
                let want = 1.0 + terms().sum::<f64>();
                let scale = 1.0 + terms().map(f64::abs).sum::<f64>();
                assert!((dw[j * n_in + k].to_f64() - want).abs() <= bound * scale, "{n_in} {n_out} {rows}");
            }
            let terms = || (0..rows).map(|r| dy[r * n_out + j]);
            let scale = 1.0 + terms().map(f64::abs).sum::<f64>();
            assert!((db[j].to_f64() - 1.0 - terms().sum::<f64>()).abs() <= bound * scale);
        }
    }
}

#[test]
fn products_agree_with_plain_loops() {
    simd::under_each(|| {
        products_agree::<f64>(2e-15);
        products_agree::<f32>(1e-6);
    });
}

/// Rows one by one, few at a time and many at a time, with outputs and with rows along the lanes: the same bits.
fn rows_stand_alone<T: Real>() {
    for (n_in, n_out) in [(37, 29), (5, 130), (64, 1), (300, 120)] {
        let rows = 150;
        let mut s = Numbers(2);
        let (w, bias) = (cast::<T>(&random(&mut s, n_in * n_out)), cast::<T>(&random(&mut s, n_out)));
        let mut plain = Panels::<T>::new(n_in, n_out);
        plain.pack(&w, n_in, 1);
        let mut with_columns = Panels::<T>::new(n_in, n_out).with_columns();
        with_columns.pack(&w, n_in, 1);
        let x = random(&mut s, rows * n_in);
        let evaluate = |panels: &Panels<T>, x: &[f64], gated: bool| {
            let rows = x.len() / n_in;
            let (mut xb, mut yb) =
                (vec![T::NAN; buffer_len(rows, n_in)], vec![T::NAN; buffer_len(rows, n_out)]);
            load_rows(x, n_in, &mut xb);
            let slope = T::from_f64(0.3);
            product(panels, Some(&bias), &xb, Finish::Leaky(slope), &mut yb, rows);
            if gated {
                let gate: Vec<T> = yb.clone();
                product(panels, None, &xb, Finish::Gate(slope, &gate), &mut yb, rows);
            }
            let mut y = vec![0.0; rows * n_out];
            store_rows(&yb, n_out, &mut y);
            y
        };
        for gated in [false, true] {
            let whole = evaluate(&plain, &x, gated);
            for size in [1, 2, 3, 17, 64, 70, 100] {
                let each = |x| evaluate(&with_columns, x, gated);
                let parts: Vec<f64> = x.chunks(size * n_in).flat_map(each).collect();
                assert_eq!(whole, parts, "{n_in} x {n_out}, {size} rows at a time");
            }
        }
    }
}

#[test]
fn a_row_does_not_depend_on_its_neighbours() {
    simd::under_each(|| {
        rows_stand_alone::<f32>();
        rows_stand_alone::<f64>();
    });
}

/// An image of 5 x 4 pixels whose outputs, 6 x 3 of them, sum over random taps; some over none.
fn random_taps(s: &mut Numbers) -> Vec<Vec<Tap>> {
    let mut chance = || (s.next() + 2.0) / 4.0;
    (0..18)
        .map(|_| {
            let taps = (0..7).filter(|_| chance() < 0.6).collect::<Vec<usize>>();
            let first = (chance() * 13.0) as usize;
            // Often neighbours, so that they are one piece.
            taps.into_iter().map(|tap| Tap { tap, pixel: first + tap }).collect()
        })
        .collect()
}

/// `threads`: whether to compare with several threads, which know nothing of an instruction set forced on this one.
fn gathered_products_agree<T: Real>(bound: f64, threads: bool) {
    let mut s = Numbers(3);
    for (channels, n_out, rows) in
        [(3, 8, 64), (6, 3, 64), (5, 70, 37), (70, 5, 64), (33, 1, 3), (1, 1, 130), (16, 50, 70)]
    {
        let taps = random_taps(&mut s);
        let gather = Gather::new((20, channels), 7, 3, taps.clone());
        let (w, bias) = (random(&mut s, n_out * 7 * channels), random(&mut s, n_out));
        let (n_in, n_values) = (20 * channels, 18 * n_out);
        let (x, dy) = (random(&mut s, rows * n_in), random(&mut s, rows * n_values));
        let mut panels = Panels::<T>::new(7 * channels, n_out);
        panels.pack(&cast::<T>(&w), 7 * channels, 1);
        let mut xb = vec![T::NAN; buffer_len(rows, n_in)];
        load_rows(&x, n_in, &mut xb);
        let evaluate = |rows: usize, parallel: bool| {
            let mut yb = vec![T::NAN; buffer_len(rows, n_values)];
            let bias = cast::<T>(&bias);
            gather_product(
                (&gather, &panels),
                Some(&bias),
                &xb,
                Finish::Leaky(T::from_f64(0.1)),
                &mut yb,
                rows,
                parallel,
            );
            let mut y = vec![0.0; rows * n_values];
            store_rows(&yb, n_values, &mut y);
            y
        };
        let y = evaluate(rows, false);
        assert_eq!(y, evaluate(rows, threads), "threads");
        assert_eq!(y[..rows.min(2) * n_values], evaluate(rows.min(2), false), "rows in company");
        for r in 0..rows {
            for (p, taps) in taps.iter().enumerate() {
                for o in 0..n_out {
                    let term = |t: &Tap, c: usize| {
                        w[(o * 7 + t.tap) * channels + c] * x[r * n_in + t.pixel * channels + c]
                    };
                    let terms = || taps.iter().flat_map(|t| (0..channels).map(move |c| term(t, c)));
                    let u = bias[o] + terms().sum::<f64>();
                    let scale = bias[o].abs() + terms().map(f64::abs).sum::<f64>();
                    let want = if u > 0.0 { u } else { 0.1 * u };
                    assert!(
                        (y[(r * 18 + p) * n_out + o] - want).abs() <= bound * scale,
                        "{channels} {n_out} {rows}"
                    );
                }
            }
        }

        // The gradient in the weights, taps in reverse and outputs side by side.
        let rows = rows.min(BLOCK);
        let mut dyb = vec![T::NAN; buffer_len(rows, n_values)];
        load_rows(&dy[..rows * n_values], n_values, &mut dyb);
        let places = WeightPlaces {
            output: 1,
            channel: n_out,
            taps: (0..7).map(|t| (6 - t) * channels * n_out).collect(),
        };
        let gradient = |parallel| {
            let (mut dw, mut db) = (vec![T::ONE; w.len()], vec![T::ONE; n_out]);
            let mut scratch = vec![T::NAN; gather_outer_scratch::<T>(&gather, n_out)];
            let weights = (dw.as_mut_slice(), &places);
            gather_outer(&gather, (&dyb, n_out), &xb, rows, weights, Some(&mut db), &mut scratch, parallel);
            (dw, db)
        };
        let (dw, db) = gradient(false);
        assert!((dw.clone(), db.clone()) == gradient(threads), "threads");
        for o in 0..n_out {
            for (t, c) in (0..7).flat_map(|t| (0..channels).map(move |c| (t, c))) {
                let (dy, x, gather) = (&dy, &x, &taps);
                let terms = || {
                    (0..rows).flat_map(move |r| {
                        let own = gather
                            .iter()
                            .enumerate()
                            .flat_map(move |(p, taps)| taps.iter().map(move |tap| (p, tap)));
                        own.filter(move |(_, tap)| tap.tap == t).map(move |(p, tap)| {
                            dy[(r * 18 + p) * n_out + o] * x[r * n_in + tap.pixel * channels + c]
                        })
                    })
                };
                let (want, scale) = (1.0 + terms().sum::<f64>(), 1.0 + terms().map(f64::abs).sum::<f64>());
                let found = dw[((6 - t) * channels + c) * n_out + o].to_f64();
                assert!(
                    (found - want).abs() <= bound * scale,
                    "{found} and {want}: {channels} {n_out} {rows}"
                );
            }
            let terms = || {
                (0..rows)
                    .flat_map(|r| (0..18).map(move |p| (r, p)))
                    .map(|(r, p)| dy[(r * 18 + p) * n_out + o])
            };
            let scale = 1.0 + terms().map(f64::abs).sum::<f64>();
            assert!((db[o].to_f64() - 1.0 - terms().sum::<f64>()).abs() <= bound * scale);
        }
    }
}

#[test]
fn gathered_products_agree_with_plain_loops() {
    simd::under_each(|| {
        gathered_products_agree::<f64>(2e-15, false);
        gathered_products_agree::<f32>(1e-6, false);
    });
    gathered_products_agree::<f64>(2e-15, true);
    gathered_products_agree::<f32>(1e-6, true);
}
