//! The report as a whole: well-formed, the same every time, complete or open about what is missing, and free of what is not a number.

use std::collections::BTreeSet;

use roxmltree::{Document, Node};

use super::svg::{self, Size, Theme};
use super::*;

const HOSTILE: &str = "</title><script>alert('1')</script> & \"quoted\" ]]> \u{1}";

/// A chart with every mark, both scales, shared ranges, gaps and infinite values.
fn busy_chart(name: &str) -> Chart {
    let values = [1.0, f64::NAN, 4.0, f64::INFINITY, 1e300, -3.0, 0.0, 2.5];
    let points = || {
        values
            .iter()
            .enumerate()
            .map(|(i, v)| Point::at(i as f64, *v).between(v - 1.0, v + f64::INFINITY))
    };
    let all = [
        Mark::Line,
        Mark::Dashed,
        Mark::LineAndPoints,
        Mark::Points,
        Mark::Bars,
    ];
    let mut chart = Chart::new(name, HOSTILE, HOSTILE)
        .columns(2)
        .share(Share::Column, Share::Row)
        .sequence("epoch", 0.0, 7.0);
    for log in [false, true] {
        let axis = |label: &str| {
            if log {
                Axis::new(label).log()
            } else {
                Axis::new(label)
            }
        };
        let mut panel = Panel::new(HOSTILE, Axis::new("x").integers(), axis("R^{c}")).note(HOSTILE);
        for (i, mark) in all.into_iter().enumerate() {
            panel = panel.series(Series::new(format!("{HOSTILE} {i}"), i, mark).points(points()));
            panel = panel.series(Series::new("", Ink::Sequence(i as f64), mark).points(points()));
        }
        chart = chart.panel(
            panel
                .rule(Rule::horizontal(f64::NAN, "nowhere"))
                .rule(Rule::vertical(2.0, "two")),
        );
    }
    let forest = Series::new("f", 1, Mark::Forest).points([
        Point::at(0.3, 0.0).between(0.1, 0.5),
        Point::at(f64::NAN, 1.0),
    ]);
    let rows = || Axis::categories("", ["one", HOSTILE]);
    let heat = Heat::diverging(
        "τ",
        vec![vec![Some(0.5), None], vec![Some(f64::NAN), Some(-7.0)]],
        1.0,
    );
    chart
        .panel(Panel::new("", Axis::new("τ").range(-1.0, 1.0), rows()).series(forest))
        .panel(Panel::heat("", rows(), rows(), heat))
}

fn busy_table(name: &str) -> Table {
    let mut table = Table::new(name, HOSTILE).columns([
        Column::new("text", HOSTILE),
        Column::new("value", "Value"),
        Column::new("tau", "τ").interval(),
        Column::new("acc", "top-1").spread(),
    ]);
    for value in [1.25, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e-300] {
        table.push(vec![
            HOSTILE.into(),
            value.into(),
            Cell::Interval {
                value: 0.5,
                low: value,
                high: 1.0,
            },
            Cell::spread(&[value, 2.0]),
        ]);
    }
    table
}

fn complete(name: &str) -> Artefact {
    Artefact::new(name, HOSTILE)
        .shows(format!("{HOSTILE} shown"))
        .finding(format!("{HOSTILE} found\n\nmore found"))
        .paper(format!("{HOSTILE} in the paper"))
        .setting(HOSTILE, HOSTILE)
        .seeds("three seeds")
        .spread("sample deviation")
        .chart(busy_chart(&format!("{name}-chart")))
        .table(busy_table(&format!("{name}-table")))
        .note(HOSTILE)
}

fn provenance() -> Provenance {
    let pair = || vec![(HOSTILE.to_owned(), HOSTILE.to_owned())];
    Provenance {
        title: HOSTILE.into(),
        subtitle: HOSTILE.into(),
        profile: HOSTILE.into(),
        configuration_digest: "0123abcd".into(),
        data: pair(),
        versions: pair(),
        command: HOSTILE.into(),
        references: vec![HOSTILE.into()],
    }
}

/// The body of a page as XML, which the renderer keeps to.
fn body(page: &str) -> String {
    let start = page.find("<body>").expect("a body");
    let end = page.find("</body>").expect("its end") + "</body>".len();
    page[start..end].to_owned()
}

fn text_of(node: Node<'_, '_>) -> String {
    node.descendants()
        .filter(Node::is_text)
        .filter_map(|n| n.text())
        .collect()
}

#[test]
fn every_figure_is_well_formed_and_has_a_description() {
    for theme in [Theme::Paper, Theme::Page] {
        for size in [Size::Wide, Size::Narrow] {
            let file = svg::render(&busy_chart("c"), theme, size);
            let document = Document::parse(&file).unwrap();
            let root = document.root_element();
            assert_eq!(root.tag_name().name(), "svg");
            assert_eq!(root.attribute("role"), Some("img"));
            let name = match theme {
                Theme::Paper => text_of(
                    root.children()
                        .find(|n| n.has_tag_name(("http://www.w3.org/2000/svg", "title")))
                        .unwrap(),
                ),
                Theme::Page => root.attribute("aria-label").unwrap().to_owned(),
            };
            assert!(name.contains("<script>alert('1')"), "{name}");
            assert!(root.children().any(|n| n.tag_name().name() == "desc"));
            assert!(!root.descendants().any(|n| n.tag_name().name() == "script"));
        }
    }
}

#[test]
fn figures_stay_inside_their_frame() {
    for size in [Size::Wide, Size::Narrow] {
        let file = svg::render(&busy_chart("c"), Theme::Paper, size);
        let document = Document::parse(&file).unwrap();
        let frame: Vec<f64> = document
            .root_element()
            .attribute("viewBox")
            .unwrap()
            .split(' ')
            .map(|v| v.parse().unwrap())
            .collect();
        let inside = |x: f64, y: f64| {
            let (right, bottom) = (frame[0] + frame[2], frame[1] + frame[3]);
            (frame[0] - 0.01..=right + 0.01).contains(&x)
                && (frame[1] - 0.01..=bottom + 0.01).contains(&y)
        };
        for node in document.descendants().filter(|n| n.has_attribute("x")) {
            let (x, y) = (node.attribute("x").unwrap(), node.attribute("y").unwrap());
            assert!(inside(x.parse().unwrap(), y.parse().unwrap()), "{x} {y}");
        }
        for data in document
            .descendants()
            .filter_map(|n| n.attribute("d"))
            .filter(|d| !d.contains('A'))
        {
            for pair in data.split(['M', 'L', 'Z']).filter(|pair| !pair.is_empty()) {
                let (x, y) = pair.split_once(' ').unwrap();
                assert!(
                    inside(x.parse().unwrap(), y.parse().unwrap()),
                    "{pair} in {data}"
                );
            }
        }
    }
}

#[test]
fn nothing_that_is_not_a_number_reaches_a_file() {
    for (name, content) in render(&[complete("one")], &provenance()).unwrap() {
        let words = content.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        for word in words {
            assert!(
                !["nan", "inf", "-inf", "infinity"].contains(&word.to_ascii_lowercase().as_str()),
                "{word:?} in {name}"
            );
        }
    }
}

#[test]
fn the_same_report_has_the_same_bytes() {
    let report = || render(&[complete("one"), complete("two")], &provenance()).unwrap();
    assert_eq!(report(), report());
}

#[test]
fn the_page_is_well_formed_and_needs_nothing_else() {
    let page = html::render(&[complete("one"), complete("two")], &provenance());
    let body = body(&page);
    let document = Document::parse(&body).unwrap();
    let count = |name: &str| {
        document
            .descendants()
            .filter(|n| n.tag_name().name() == name)
            .count()
    };
    assert_eq!(count("script"), 0);
    assert_eq!(count("svg"), 4, "a wide and a narrow drawing of each chart");
    for outside in [
        "http:", "https:", "@import", "url(", "<link", "<img", "<iframe",
    ] {
        assert!(!page.contains(outside), "{outside}");
    }
    // Anchors lead somewhere, and no two places share a name.
    let names: Vec<&str> = document
        .descendants()
        .filter_map(|n| n.attribute("id"))
        .collect();
    let unique: BTreeSet<&str> = names.iter().copied().collect();
    assert_eq!(names.len(), unique.len());
    let links = document.descendants().filter_map(|n| n.attribute("href"));
    let files: BTreeSet<String> = render(&[complete("one"), complete("two")], &provenance())
        .unwrap()
        .into_iter()
        .map(|f| f.0)
        .collect();
    for link in links {
        match link.strip_prefix('#') {
            Some(name) => assert!(unique.contains(name), "{link}"),
            None => assert!(files.contains(link), "{link}"),
        }
    }
}

#[test]
fn colors_of_the_page_are_all_defined() {
    let page = html::render(&[complete("one")], &provenance());
    for used in page.split("var(--").skip(1) {
        let name = used.split(')').next().unwrap();
        assert!(page.contains(&format!("--{name}:")), "--{name}");
    }
}

#[test]
fn a_complete_artefact_has_all_its_parts_on_the_page() {
    let artefact = complete("one");
    assert!(artefact.missing_parts().is_empty());
    let body = body(&html::render(&[artefact], &provenance()));
    let document = Document::parse(&body).unwrap();
    let section = document
        .descendants()
        .find(|n| n.attribute("id") == Some("one"))
        .unwrap();
    let text = text_of(section);
    let parts = [
        "shown",
        "found",
        "more found",
        "in the paper",
        "three seeds",
        "sample deviation",
        "What we found",
    ];
    for part in parts.into_iter().chain([
        "What the paper says",
        "Configuration",
        "Notes",
        "CSV",
        "SVG",
    ]) {
        assert!(text.contains(part), "{part}");
    }
    assert!(!text.contains("does not say"));
    let summary = document
        .descendants()
        .find(|n| n.attribute("id") == Some("summary"))
        .unwrap();
    assert!(text_of(summary).contains("found") && !text_of(summary).contains("more found"));
    let footer = document
        .descendants()
        .find(|n| n.attribute("id") == Some("provenance"))
        .unwrap();
    assert!(text_of(footer).contains("0123abcd"));
}

#[test]
fn missing_parts_are_named() {
    let page = html::render(
        &[Artefact::new("bare", "Bare").seeds("one")],
        &Provenance::default(),
    );
    let expected =
        "This artefact does not say: shows, finding, paper, configuration, spread, tables, charts.";
    assert!(page.contains(expected));
    assert!(Document::parse(&body(&page)).is_ok());
}

#[test]
fn rows_of_intervals_are_as_tall_as_the_series_side_by_side_need() {
    let names = ["a", "b", "c", "d"];
    let height = |series: Vec<Series>| {
        let axes = (Axis::new("τ").range(-1.0, 1.0), Axis::categories("", names));
        let panel = Panel {
            series,
            ..Panel::new("", axes.0, axes.1)
        };
        let file = svg::render(
            &Chart::new("c", "", "").panel(panel),
            Theme::Paper,
            Size::Wide,
        );
        let document = Document::parse(&file).unwrap();
        document
            .root_element()
            .attribute("height")
            .unwrap()
            .parse::<f64>()
            .unwrap()
    };
    let row = |i: usize| Point::at(0.1, i as f64);
    let together = vec![Series::new("", 0, Mark::Forest).points((0..4).map(row))];
    let apart: Vec<Series> = (0..4)
        .map(|i| Series::new("", i, Mark::Forest).points([row(i)]))
        .collect();
    let doubled = [together.clone(), together.clone()].concat();
    assert_eq!(height(together.clone()), height(apart));
    assert!(height(doubled) > height(together));
}

#[test]
fn folded_columns_keep_their_titles() {
    let panel = |title: &str| {
        let series = Series::new("", 0, Mark::Line).points([(0.0, 1.0), (1.0, 2.0)]);
        Panel::new(title, Axis::new("x"), Axis::new("y")).series(series)
    };
    let titles = ["C", "N", "T", "E", "", "", "", ""];
    let chart = titles
        .iter()
        .fold(Chart::new("c", "", "").columns(4), |chart, title| {
            chart.panel(panel(title))
        });
    let drawn = |size| {
        svg::render(&chart, Theme::Page, size)
            .matches(">T</text>")
            .count()
    };
    assert_eq!((drawn(Size::Wide), drawn(Size::Narrow)), (1, 2));
}

#[test]
fn charts_without_content_are_drawn() {
    let empty = [
        Chart::new("a", "", ""),
        Chart::new("b", "", "").panel(Panel::default()),
        Chart::new("c", "", "")
            .panel(Panel::new(
                "",
                Axis::categories("", [""; 0]),
                Axis::new("").log(),
            ))
            .columns(9),
        Chart::new("d", "", "").panel(Panel::heat(
            "",
            Axis::default(),
            Axis::default(),
            Heat::diverging("", vec![], 0.0),
        )),
    ];
    for chart in empty {
        for size in [Size::Wide, Size::Narrow] {
            assert!(
                Document::parse(&svg::render(&chart, Theme::Paper, size)).is_ok(),
                "{}",
                chart.name
            );
        }
    }
}

#[test]
fn names_that_are_no_file_names_or_taken_are_refused() {
    let with = |name: &str| {
        render(
            &[Artefact::new("a", "").table(Table::new(name, "").columns(["x"]))],
            &provenance(),
        )
    };
    for bad in ["", "../up", "A", "a b", "1a", "a.b", "é"] {
        assert!(
            matches!(with(bad), Err(ReportError::BadName { kind: "table", .. })),
            "{bad:?}"
        );
    }
    assert!(with("a-1_b").is_ok());
    let twice = [complete("one"), complete("one")];
    assert!(matches!(
        render(&twice, &provenance()),
        Err(ReportError::DuplicateName {
            kind: "artefact",
            ..
        })
    ));
    let axes = || Axis::categories("", ["a", "b"]);
    let heat = Heat::diverging("", vec![vec![None, None], vec![None]], 1.0);
    let chart = Chart::new("h", "", "").panel(Panel::heat("", axes(), axes(), heat));
    let error = render(&[Artefact::new("a", "").chart(chart)], &provenance()).unwrap_err();
    assert!(
        matches!(
            error,
            ReportError::HeatShape {
                row: 1,
                found_columns: 1,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn files_are_written_whole_and_errors_name_the_path() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("new/report");
    let names = write(&[complete("one")], &provenance(), &out).unwrap();
    assert_eq!(names, ["report.html", "one-table.csv", "one-chart.svg"]);
    let mut found: Vec<String> = std::fs::read_dir(&out)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    found.sort();
    let mut expected = names.clone();
    expected.sort();
    assert_eq!(found, expected, "nothing else is left in the folder");
    for (name, content) in render(&[complete("one")], &provenance()).unwrap() {
        assert_eq!(std::fs::read_to_string(out.join(name)).unwrap(), content);
    }

    let blocked = folder.path().join("file");
    std::fs::write(&blocked, "").unwrap();
    let error = write(&[], &provenance(), &blocked).unwrap_err().to_string();
    assert!(error.contains(blocked.to_str().unwrap()), "{error}");
}

#[test]
fn what_an_earlier_report_had_is_removed_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let artefacts = [complete("one")];
    let stale = ["one-old.svg", "one.csv"];
    let others = ["ones.csv", "one-notes.txt", "two-chart.svg"];
    for name in stale.iter().chain(&others) {
        std::fs::write(folder.path().join(name), "").unwrap();
    }
    let names = write(&artefacts, &provenance(), folder.path()).unwrap();
    remove_stale(&artefacts, &names, folder.path()).unwrap();
    let there = |name: &str| folder.path().join(name).exists();
    assert!(!stale.iter().any(|name| there(name)));
    assert!(others.iter().all(|name| there(name)));
    assert!(names.iter().all(|name| there(name)));
}
