//! One figure of each kind with made-up numbers, for the tests and the gallery.

use mixwell_figures::*;

/// Numbers between -1 and 1 that look random, the same every time.
pub fn noise(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }
}

/// The sum of a few: close to normal.
fn normal(noise: &mut impl FnMut() -> f64) -> f64 {
    (0..12).map(|_| noise()).sum::<f64>() / 2.0
}

fn modes(x: f64, y: f64) -> f64 {
    let bump = |a: f64, b: f64| (-0.5 * ((x - a).powi(2) + (y - b).powi(2))).exp();
    (bump(0.0, 4.0) + bump(3.46, -2.0) + bump(-3.46, -2.0)).ln()
}

pub fn lines() -> Lines {
    let dims = [30.0, 60.0, 90.0, 120.0, 150.0, 180.0, 210.0, 240.0, 270.0, 300.0];
    let distance = |values: [f64; 10], error: f64| -> Vec<Point> {
        dims.iter().zip(values).map(|(d, v)| Point::new(*d, v).with_error(error)).collect()
    };
    let isir = [0.97, 1.37, 1.65, 1.84, 1.96, 2.04, 2.12, 2.18, 2.21, 2.25];
    let ex2 = [0.94, 1.23, 1.36, 1.45, 1.50, 1.54, 1.58, 1.61, 1.63, 1.65];
    let ess = [0.40, 0.085, 0.03, 0.022, 0.014, 0.013, 0.014, 0.014, 0.017, 0.015];
    let ess_ex2 = [0.465, 0.36, 0.29, 0.26, 0.245, 0.235, 0.225, 0.218, 0.21, 0.203];
    let mut gap = distance(isir.map(|v| 1.01 * v), 0.04);
    gap[4].y = f64::NAN;
    let x = Axis::new("dimension d").ticks(dims);
    let transport = LinesPanel {
        title: "optimal transport".into(),
        x: x.clone(),
        y: Axis::new("OT with squared cost, per dimension"),
        series: vec![
            Series::new("i-SIR", gap).published(distance(isir, 0.0)),
            Series::new("Ex2MCMC", distance(ex2.map(|v| 0.995 * v), 0.02)).published(distance(ex2, 0.0)),
            Series::new("independent draws", distance(ex2.map(|v| 0.99 * v), 0.01)).dashed(),
        ],
    };
    let ess = LinesPanel {
        title: "effective sample size".into(),
        x,
        y: Axis::log("ESS (as in the paper)"),
        series: vec![
            Series::new("i-SIR", distance(ess.map(|v| 0.9 * v), 0.005)).published(distance(ess, 0.0)),
            Series::new("Ex2MCMC", distance(ess_ex2.map(|v| 1.02 * v), 0.01))
                .published(distance(ess_ex2, 0.0)),
        ],
    };
    Lines { title: "Toyish Gaussian: measured against published".into(), panels: vec![transport, ess] }
}

pub fn scatter() -> Scatter {
    let mut noise = noise(1);
    let mut panel = |title: &str, reach: usize| {
        let mut draw = |i: usize| {
            let [a, b] = [[0.0, 4.0], [3.46, -2.0], [-3.46, -2.0]][i % reach];
            [a + normal(&mut noise), b + normal(&mut noise)]
        };
        ScatterPanel { title: title.into(), points: (0..1500).map(&mut draw).collect() }
    };
    let panels = vec![panel("MALA", 1), panel("i-SIR", 2), panel("Ex2MCMC", 3)];
    Scatter {
        title: "Three modes".into(),
        x: Axis::new("x₁"),
        y: Axis::new("x₂"),
        target: Some(Surface::from_fn([-7.5, 7.5], [-6.5, 8.5], 91, 91, modes)),
        panels,
    }
}

pub fn traces() -> Traces {
    let mut panels = Vec::new();
    for (title, hop) in [("MALA: chains stay where they started", 0.0), ("with global moves", 0.02)] {
        let mut chains = Vec::new();
        for c in 0..4 {
            let mut noise = noise(10 + c);
            let (mut sign, mut x) = (if c % 2 == 0 { 1.0 } else { -1.0 }, 0.0);
            let mut step = || {
                if noise().abs() < hop {
                    sign = -sign;
                }
                x = 0.9 * x + 0.3 * noise();
                3.0 * sign + x
            };
            chains.push((0..4000).map(|_| step()).collect());
        }
        panels.push(TracesPanel { title: title.into(), chains, every: 1 });
    }
    Traces { title: "First coordinate".into(), x: Axis::new("iteration"), y: Axis::new("x₁"), panels }
}

pub fn curves() -> Curves {
    let mut panels = Vec::new();
    for (title, rate) in [("MALA", 0.0), ("i-SIR with a trained flow", 0.01)] {
        let curve = |name: &str, start: f64, exact: f64| {
            let mut noise = noise(start.to_bits());
            let x: Vec<f64> = (0..400).map(|t| f64::from(t) * 5.0).collect();
            let y = x.iter().map(|t| exact + (start - exact) * (-rate * t).exp() + 0.01 * noise()).collect();
            Curve { name: name.into(), error: vec![0.03; x.len()], x, y, exact: Some(exact) }
        };
        panels.push(CurvesPanel {
            title: title.into(),
            curves: vec![curve("left mode", 0.98, 0.25), curve("right mode", 0.02, 0.75)],
        });
    }
    Curves {
        title: "Mode weights over time".into(),
        x: Axis::new("iteration"),
        y: Axis::new("weight").range(0.0, 1.05),
        panels,
    }
}

pub fn density_maps() -> DensityMaps {
    let map = |title: &str, f: fn(f64, f64) -> f64| MapPanel {
        title: title.into(),
        log_density: Surface::from_fn([-7.5, 7.5], [-6.5, 8.5], 101, 101, f).normalised(),
    };
    let learned = |x: f64, y: f64| (modes(x, y).exp() + 0.02 * (-0.05 * (x * x + y * y)).exp()).ln();
    DensityMaps {
        title: "What the flow has learned".into(),
        x: Axis::new("x₁"),
        y: Axis::new("x₂"),
        panels: vec![map("target", modes), map("flow", learned)],
    }
}

/// Chains that agree but for the last.
fn chains(n: usize) -> Vec<Vec<f64>> {
    let chain = |c: u64| {
        let mut noise = noise(30 + c);
        let mut x = 0.0;
        let mut step = || {
            x = 0.5 * x + normal(&mut noise);
            x + if c == 3 { 0.4 } else { 0.0 }
        };
        (0..n).map(|_| step()).collect()
    };
    (0..4).map(chain).collect()
}

pub fn ranks() -> Ranks {
    Ranks { title: "Ranks of x₁".into(), chains: chains(1000), effective: Some(300.0), ..Ranks::default() }
}

pub fn densities() -> Densities {
    Densities {
        title: "Density of x₁".into(),
        x: Axis::new("x₁"),
        chains: chains(1000),
        ..Densities::default()
    }
}

pub fn autocorrelation() -> Autocorrelation {
    let values = (0..40).map(|t| 0.8f64.powi(t)).collect();
    Autocorrelation { title: "Autocorrelation of x₁".into(), values, every: 2 }
}

pub fn pair() -> Pair {
    let chains = chains(500);
    let cloud = |name: &str, a: usize, n: usize| Cloud {
        name: name.into(),
        points: chains[a].iter().zip(&chains[a + 1]).take(n).map(|(x, y)| [*x, *y]).collect(),
        prominent: n < 50,
        ..Cloud::default()
    };
    Pair {
        title: "x₂ against x₁".into(),
        x: Axis::new("x₁"),
        y: Axis::new("x₂"),
        clouds: vec![cloud("flow", 0, 500), cloud("draws", 1, 500), cloud("divergent", 2, 20)],
    }
}

/// All of them, by name.
pub fn all() -> [(&'static str, String); 9] {
    [
        ("lines", lines().svg()),
        ("scatter", scatter().svg()),
        ("traces", traces().svg()),
        ("curves", curves().svg()),
        ("density_maps", density_maps().svg()),
        ("ranks", ranks().svg()),
        ("densities", densities().svg()),
        ("autocorrelation", autocorrelation().svg()),
        ("pair", pair().svg()),
    ]
}
