//! The table: every posterior of the collection that is built in, and how hard it is.

/// A posterior, and how NUTS is set for it.
pub struct Case {
    pub name: &'static str,
    /// The posterior whose reference draws are compared with: itself, or another parametrisation of it.
    pub reference: Option<&'static str>,
    pub target_accept: f64,
    pub draws: usize,
    /// Starts are uniform on (-radius, radius) in every free coordinate.
    pub radius: f64,
}

/// With reference draws of its own.
const fn own(name: &'static str, target_accept: f64, draws: usize) -> Case {
    Case { name, reference: Some(name), target_accept, draws, radius: 2.0 }
}

/// Without reference draws.
const fn none(name: &'static str, target_accept: f64, draws: usize) -> Case {
    Case { name, reference: None, target_accept, draws, radius: 2.0 }
}

/// All but the bimodal one, which has a test of its own.
pub const CASES: [Case; 22] = [
    own("arK-arK", 0.8, 1500),
    // Far from zero errors grow without end, and a chain that starts on that slope never comes down.
    Case { radius: 0.5, ..own("arma-arma11", 0.9, 1500) },
    own("diamonds-diamonds", 0.8, 1500),
    own("earnings-logearn_interaction", 0.8, 1500),
    Case {
        name: "eight_schools-eight_schools_centered",
        reference: Some("eight_schools-eight_schools_noncentered"),
        target_accept: 0.98,
        draws: 3000,
        radius: 2.0,
    },
    own("eight_schools-eight_schools_noncentered", 0.9, 1500),
    own("garch-garch11", 0.9, 1500),
    own("gp_pois_regr-gp_pois_regr", 0.9, 1500),
    own("gp_pois_regr-gp_regr", 0.9, 1500),
    own("hmm_example-hmm_example", 0.9, 1500),
    own("kidiq-kidscore_interaction", 0.8, 1500),
    own("kidiq-kidscore_momiq", 0.8, 1500),
    own("kilpisjarvi_mod-kilpisjarvi", 0.8, 1500),
    own("low_dim_gauss_mix-low_dim_gauss_mix", 0.9, 1500),
    own("mesquite-logmesquite", 0.8, 1500),
    own("mesquite-mesquite", 0.8, 1500),
    own("nes2000-nes", 0.8, 1500),
    none("radon_mn-radon_hierarchical_intercept_centered", 0.9, 2000),
    none("radon_mn-radon_hierarchical_intercept_noncentered", 0.9, 2000),
    own("sblrc-blr", 0.8, 1500),
    none("wells_data-wells_dist100_model", 0.8, 1500),
    none("wells_data-wells_interaction_model", 0.8, 1500),
];
