//! Every figure is well-formed, says what it should, is the same every time, and has no text over another text or over the edge.

mod samples;

use mixwell_figures::*;
use roxmltree::{Document, Node};

fn texts<'a>(document: &'a Document<'_>) -> Vec<Node<'a, 'a>> {
    document.descendants().filter(|n| n.has_tag_name("text")).collect()
}

fn number(node: &Node<'_, '_>, name: &str) -> f64 {
    node.attribute(name).and_then(|v| v.parse().ok()).unwrap_or_else(|| panic!("no {name}"))
}

/// Left, top, right, bottom of a text.
fn bounds(node: &Node<'_, '_>) -> [f64; 4] {
    let (x, y, size) = (number(node, "x"), number(node, "y"), number(node, "font-size"));
    let width = text_width(node.text().unwrap_or(""), size);
    let before = match node.attribute("text-anchor") {
        Some("middle") => width / 2.0,
        Some("end") => width,
        _ => 0.0,
    };
    if node.has_attribute("transform") {
        return [x - 0.8 * size, y - before, x + 0.2 * size, y - before + width];
    }
    [x - before, y - 0.8 * size, x - before + width, y + 0.2 * size]
}

#[test]
fn every_figure_is_well_formed_and_the_same_every_time() {
    for ((name, svg), (_, again)) in samples::all().into_iter().zip(samples::all()) {
        assert_eq!(svg, again, "{name} changes");
        let document = Document::parse(&svg).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(document.root_element().has_tag_name("svg"));
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{name}");
        assert!(svg.len() < 400_000, "{name} has {} bytes", svg.len());
    }
}

#[test]
fn text_is_on_the_page_and_apart() {
    for (name, svg) in samples::all() {
        let document = Document::parse(&svg).expect("well-formed");
        let (width, height) =
            (number(&document.root_element(), "width"), number(&document.root_element(), "height"));
        let boxes: Vec<(&str, [f64; 4])> =
            texts(&document).iter().map(|n| (n.text().unwrap_or(""), bounds(n))).collect();
        for (i, (text, a)) in boxes.iter().enumerate() {
            assert!(
                a[0] >= 0.0 && a[1] >= 0.0 && a[2] <= width && a[3] <= height,
                "{name}: {text:?} at {a:?}"
            );
            for (other, b) in &boxes[..i] {
                let apart = a[2] <= b[0] || b[2] <= a[0] || a[3] <= b[1] || b[3] <= a[1];
                assert!(apart, "{name}: {text:?} {a:?} over {other:?} {b:?}");
            }
        }
    }
}

#[test]
fn labels_are_there() {
    let expected = [
        vec![
            "dimension d",
            "OT with squared cost, per dimension",
            "i-SIR",
            "Ex2MCMC",
            "hollow: published",
            "300",
        ],
        vec!["Three modes", "MALA", "x₁", "x₂"],
        vec!["iteration", "with global moves", "4000"],
        vec!["left mode", "right mode", "dashed: exact", "weight"],
        vec!["target", "flow", "ln p within 0.1 of its maximum", "8"],
        vec!["Ranks of x₁", "rank among all draws, as a share"],
        vec!["Density of x₁", "x₁", "density"],
        vec!["lag in draws", "autocorrelation"],
        vec!["flow", "draws", "divergent", "x₂"],
    ];
    for ((name, svg), labels) in samples::all().into_iter().zip(expected) {
        let document = Document::parse(&svg).expect("well-formed");
        let found: Vec<&str> = texts(&document).iter().filter_map(|n| n.text()).collect();
        for label in labels {
            assert!(found.contains(&label), "{name} lacks {label:?}: {found:?}");
        }
    }
}

/// Elements with the fill of the first series' markers that are circles.
fn markers(figure: &Lines) -> usize {
    figure.svg().matches("<circle").count()
}

#[test]
fn what_is_no_number_is_left_out() {
    let figure = |values: &[f64], y: Axis| {
        let points: Vec<Point> = values.iter().enumerate().map(|(i, v)| Point::new(i as f64, *v)).collect();
        let panel = LinesPanel { y, series: vec![Series::new("a", points)], ..LinesPanel::default() };
        Lines { panels: vec![panel], ..Lines::default() }
    };
    // One more circle stands in the legend.
    assert_eq!(markers(&figure(&[1.0, f64::NAN, 2.0, f64::INFINITY], Axis::new(""))), 3);
    assert_eq!(markers(&figure(&[1.0, -1.0, 0.0, 2.0], Axis::log(""))), 3);
    // The line breaks where a value is missing: the curve of five values has two pieces.
    let svg = figure(&[1.0, 2.0, f64::NAN, 2.0, 1.0], Axis::new("")).svg();
    let curve = svg.lines().find(|l| l.contains("stroke-opacity=\"0.9\"")).expect("a curve");
    assert_eq!(curve.matches('M').count(), 2);
}

#[test]
fn nothing_to_draw_and_odd_text_are_no_trouble() {
    let empty = [
        Lines::default().svg(),
        Scatter::default().svg(),
        Traces::default().svg(),
        Curves::default().svg(),
        DensityMaps::default().svg(),
        Lines { title: "a < b & \"c\"".into(), panels: vec![LinesPanel::default()] }.svg(),
        Scatter { panels: vec![ScatterPanel::default()], ..Scatter::default() }.svg(),
        DensityMaps { panels: vec![MapPanel::default()], ..DensityMaps::default() }.svg(),
        Traces { panels: vec![TracesPanel::default()], ..Traces::default() }.svg(),
        Ranks::default().svg(),
        Ranks {
            chains: vec![vec![], vec![f64::NAN], vec![1.0]],
            effective: Some(f64::NAN),
            ..Ranks::default()
        }
        .svg(),
        Densities::default().svg(),
        Densities { chains: vec![vec![1.0; 9], vec![f64::INFINITY], vec![]], ..Densities::default() }.svg(),
        Autocorrelation::default().svg(),
        Autocorrelation { values: vec![f64::NAN; 5], every: 0, ..Autocorrelation::default() }.svg(),
        Pair::default().svg(),
        Pair {
            clouds: vec![Cloud { points: vec![[f64::NAN, 1.0], [1.0, 2.0]], ..Cloud::default() }],
            ..Pair::default()
        }
        .svg(),
    ];
    for svg in empty {
        assert!(Document::parse(&svg).is_ok(), "{svg}");
    }
}

#[test]
fn on_a_page_a_figure_takes_letters_and_colours_of_the_page() {
    let figure = samples::scatter();
    let (file, page) = (figure.svg(), figure.draw(&Medium::page("d7", 200.0, 150.0)));
    let document = Document::parse(&page).expect("well-formed");
    let root = document.root_element();
    assert_eq!((root.attribute("role"), root.attribute("aria-label")), (Some("img"), Some("Three modes")));
    assert!(!page.contains("font-family") && !page.contains("<title>") && !page.contains("#ffffff\"/>"));
    assert!(
        page.contains("id=\"d7panel0\"") && page.contains("url(#d7panel0)") && !page.contains("url(#panel")
    );
    assert!(page.contains("var(--figure-series-1,#d55e00)") && page.contains("color-mix("));
    assert!(
        file.contains("<title>Three modes</title>")
            && file.contains("id=\"panel0\"")
            && !file.contains("var(")
    );
}

#[test]
fn figures_of_many_draws_stay_small() {
    let chains: Vec<Vec<f64>> = (0..4)
        .map(|c| {
            let mut noise = samples::noise(c);
            (0..100_000).map(|_| noise()).collect()
        })
        .collect();
    let panels = vec![TracesPanel { chains: chains.clone(), ..TracesPanel::default() }];
    let traces = Traces { panels, ..Traces::default() };
    let place = Medium::page("d", 286.0, 176.0);
    for svg in [
        traces.draw(&place),
        Ranks { chains: chains.clone(), ..Ranks::default() }.draw(&place),
        Densities { chains, ..Densities::default() }.draw(&place),
    ] {
        assert!(svg.len() < 40_000, "{}", svg.len());
    }
}
