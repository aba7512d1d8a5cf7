//! What every report must be, as far as its text can tell.

use std::collections::HashSet;

use roxmltree::Document;

/// Bytes of a report, at most.
const MOST_BYTES: usize = 3_000_000;

/// Fails with what is wrong.
pub fn check(html: &str) {
    assert!(html.len() < MOST_BYTES, "{} bytes", html.len());
    assert!(html.starts_with("<!DOCTYPE html>") && html.trim_end().ends_with("</html>"));
    fetches_nothing(html);
    let ids: Vec<&str> = html.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len(), "identifiers stand twice: {ids:?}");
    for target in html.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(ids.contains(&target), "#{target} leads nowhere");
    }
    let figures: Vec<&str> =
        html.split("<figure>").skip(1).filter_map(|rest| rest.split("</figure>").next()).collect();
    assert!(!figures.is_empty());
    figures.iter().for_each(|figure| of_figure(figure));
    let drawn = figures.iter().map(|f| f.matches("<svg").count()).sum::<usize>();
    assert_eq!(drawn, html.matches("<svg").count(), "a drawing stands outside of all figures");
    for (open, close) in [
        ("<section", "</section>"),
        ("<div", "</div>"),
        ("<table", "</table>"),
        ("<ul", "</ul>"),
        ("<tr>", "</tr>"),
    ] {
        assert_eq!(html.matches(open).count(), html.matches(close).count(), "{open}");
    }
}

fn fetches_nothing(html: &str) {
    // Names of parameters may be anything, as text.
    for attribute in [" src=\"", " href=\"", " srcset=\"", " xlink:href=\"", " action=\""] {
        for value in html.split(attribute).skip(1) {
            assert!(
                value.starts_with('#') || value.starts_with("data:"),
                "{attribute}{}",
                &value[..60.min(value.len())]
            );
        }
    }
    for value in html.split("url(").skip(1) {
        assert!(value.starts_with('#'), "url({}", &value[..60.min(value.len())]);
    }
    assert!(!html.contains("@import"));
    assert!(html.contains("default-src 'none'"));
}

/// A heading, one sentence, and drawings that are well-formed and have names.
fn of_figure(figure: &str) {
    let between =
        |from: &str, to: &str| figure.split(from).nth(1).and_then(|rest| rest.split(to).next()).unwrap_or("");
    assert!(!between("<h3>", "</h3>").is_empty(), "{}", &figure[..200]);
    assert!(between("<p>", "</p>").ends_with('.'), "{}", &figure[..200]);
    let pictures = figure.split("<img ").skip(1);
    for picture in pictures.clone() {
        assert!(picture.starts_with("alt=\"") && !picture.starts_with("alt=\"\""), "{}", &picture[..60]);
        assert!(picture.contains("src=\"data:image/png;base64,iVBORw0KGgo"), "{}", &picture[..60]);
    }
    let drawings = figure.split("<svg").skip(1);
    assert!(pictures.count() + drawings.clone().count() > 0, "nothing is drawn: {figure}");
    for svg in
        drawings.filter_map(|rest| rest.split("</svg>").next()).map(|inside| format!("<svg{inside}</svg>"))
    {
        let document = Document::parse(&svg).unwrap_or_else(|e| panic!("{e}: {svg}"));
        let root = document.root_element();
        assert_eq!(root.attribute("role"), Some("img"));
        assert!(root.attribute("aria-label").is_some_and(|name| !name.is_empty()), "{}", &svg[..200]);
        assert!(!svg.contains("NaN") && !svg.contains("inf "), "{svg}");
        assert!(svg.len() < 250_000, "{} bytes: {:?}", svg.len(), root.attribute("aria-label"));
    }
}
