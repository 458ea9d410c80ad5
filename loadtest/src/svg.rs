// SPDX-License-Identifier: EUPL-1.2
//! Charts as SVG files that a browser opens: they stand alone, without script or font from elsewhere, and have colours
//! for light and for dark.

mod axis;

use std::fmt::{self, Write};

pub(crate) use axis::Axis;

/// A colour, by what it is for or by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Page,
    Ink,
    /// Words that matter less.
    Soft,
    /// Lines behind the figures.
    Rule,
    Teal,
    PaleTeal,
    Orange,
    Blue,
    Grey,
}

impl Tone {
    const ALL: [Self; 9] = [
        Self::Page,
        Self::Ink,
        Self::Soft,
        Self::Rule,
        Self::Teal,
        Self::PaleTeal,
        Self::Orange,
        Self::Blue,
        Self::Grey,
    ];

    const fn class(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Ink => "ink",
            Self::Soft => "soft",
            Self::Rule => "rule",
            Self::Teal => "teal",
            Self::PaleTeal => "pale-teal",
            Self::Orange => "orange",
            Self::Blue => "blue",
            Self::Grey => "grey",
        }
    }

    /// On a light page and on a dark one.
    const fn colours(self) -> (&'static str, &'static str) {
        match self {
            Self::Page => ("#ffffff", "#0d1117"),
            Self::Ink => ("#1b1f24", "#e6edf3"),
            Self::Soft => ("#57606a", "#9aa4ae"),
            Self::Rule => ("#d0d7de", "#30363d"),
            Self::Teal => ("#0b7a75", "#36b5ad"),
            Self::PaleTeal => ("#7fbfba", "#1f6f6a"),
            Self::Orange => ("#d9822b", "#e8a15c"),
            Self::Blue => ("#4c6fbf", "#85a3ea"),
            Self::Grey => ("#8c959f", "#7d8590"),
        }
    }
}

/// What text looks like and where it stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    size_px: u32,
    is_bold: bool,
    tone: Tone,
    anchor: &'static str,
}

impl Style {
    pub(crate) const TITLE: Self = Self { size_px: 20, is_bold: true, tone: Tone::Ink, anchor: "start" };
    pub(crate) const NOTE: Self = Self { size_px: 13, is_bold: false, tone: Tone::Soft, anchor: "start" };
    pub(crate) const HEADING: Self = Self { size_px: 15, is_bold: true, tone: Tone::Ink, anchor: "start" };
    pub(crate) const LABEL: Self = Self { size_px: 13, is_bold: false, tone: Tone::Ink, anchor: "start" };
    /// Beside an axis.
    pub(crate) const TICK: Self = Self { size_px: 11, is_bold: false, tone: Tone::Soft, anchor: "start" };

    /// The text ends where it is put.
    pub(crate) const fn ending(self) -> Self {
        Self { anchor: "end", ..self }
    }

    /// The text has its middle where it is put.
    pub(crate) const fn centred(self) -> Self {
        Self { anchor: "middle", ..self }
    }
}

/// A picture that is being drawn. Places and sizes are in pixels.
pub(crate) struct Svg(String);

impl Svg {
    /// An empty page.
    pub(crate) fn new(width: f64, height: f64, title: &str) -> Self {
        let mut svg = Self(String::new());
        svg.put(format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
             height=\"{height}\" role=\"img\" font-family=\"Helvetica, Arial, sans-serif\">"
        ));
        svg.put(format_args!("<title>{}</title>", Escaped(title)));
        svg.put(format_args!("<style>\nsvg {{ color-scheme: light dark; }}"));
        for tone in Tone::ALL {
            svg.put(format_args!(".{} {{ color: {}; }}", tone.class(), tone.colours().0));
        }
        svg.put(format_args!("@media (prefers-color-scheme: dark) {{"));
        for tone in Tone::ALL {
            svg.put(format_args!(".{} {{ color: {}; }}", tone.class(), tone.colours().1));
        }
        svg.put(format_args!("}}\n</style>"));
        svg.rectangle([0.0, 0.0, width, height], 0.0, Tone::Page);
        svg
    }

    fn put(&mut self, markup: fmt::Arguments<'_>) {
        // A string takes any text.
        let _ = self.0.write_fmt(markup);
        self.0.push('\n');
    }

    pub(crate) fn text(&mut self, x: f64, y: f64, style: Style, words: &str) {
        self.pieces(x, y, style, &[(style.tone, words.to_owned())]);
    }

    /// Text of several colours in one line.
    pub(crate) fn pieces(&mut self, x: f64, y: f64, style: Style, pieces: &[(Tone, String)]) {
        let Style { size_px, anchor, .. } = style;
        let weight = if style.is_bold { "bold" } else { "normal" };
        let mut spans = String::new();
        for (tone, words) in pieces {
            let (class, words) = (tone.class(), Escaped(words));
            let _ = write!(spans, "<tspan class=\"{class}\" fill=\"currentColor\">{words}</tspan>");
        }
        self.put(format_args!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{size_px}\" font-weight=\"{weight}\" text-anchor=\"{anchor}\" \
             xml:space=\"preserve\">{spans}</text>"
        ));
    }

    pub(crate) fn line(&mut self, [x1, y1]: [f64; 2], [x2, y2]: [f64; 2], tone: Tone) {
        let class = tone.class();
        self.put(format_args!(
            "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" class=\"{class}\" \
             stroke=\"currentColor\"/>"
        ));
    }

    /// A rectangle by its left, top, width and height.
    pub(crate) fn rectangle(&mut self, [x, y, width, height]: [f64; 4], radius: f64, tone: Tone) {
        let class = tone.class();
        self.put(format_args!(
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"{radius}\" \
             class=\"{class}\" fill=\"currentColor\"/>"
        ));
    }

    /// A band through which one sees what was drawn before.
    pub(crate) fn band(&mut self, [x, y, width, height]: [f64; 4], tone: Tone) {
        let class = tone.class();
        self.put(format_args!(
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" class=\"{class}\" \
             fill=\"currentColor\" fill-opacity=\"0.14\"/>"
        ));
    }

    /// A line of steps, each with its left end, its right end and its height; with a gap where one is missing.
    pub(crate) fn steps(&mut self, steps: impl IntoIterator<Item = Option<[f64; 3]>>, tone: Tone) {
        let (mut path, mut is_drawing) = (String::new(), false);
        for step in steps {
            if let Some([from, to, y]) = step {
                let pen = if is_drawing { 'L' } else { 'M' };
                // A string takes any text.
                let _ = write!(path, " {pen}{from:.1} {y:.1} H{to:.1}");
            }
            is_drawing = step.is_some();
        }
        let (class, path) = (tone.class(), path.trim_start());
        self.put(format_args!(
            "<path d=\"{path}\" class=\"{class}\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"1.8\" \
             stroke-linejoin=\"round\" stroke-linecap=\"round\"/>"
        ));
    }

    /// Straight lines from point to point, each of them marked.
    pub(crate) fn curve(&mut self, points: &[[f64; 2]], tone: Tone) {
        let (class, mut path) = (tone.class(), String::new());
        for (place, [x, y]) in points.iter().enumerate() {
            let gap = if place == 0 { "" } else { " " };
            // A string takes any text.
            let _ = write!(path, "{gap}{x:.1},{y:.1}");
            self.put(format_args!(
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" class=\"{class}\" fill=\"currentColor\"/>"
            ));
        }
        self.put(format_args!(
            "<polyline points=\"{path}\" class=\"{class}\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"2\" \
             stroke-linejoin=\"round\"/>"
        ));
    }

    /// The whole picture.
    pub(crate) fn finish(mut self) -> String {
        self.put(format_args!("</svg>"));
        self.0
    }
}

/// Text that XML does not take for markup.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|character| match character {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            // XML 1.0 has no control characters.
            character if character.is_control() => f.write_char(' '),
            character => f.write_char(character),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_no_markup() {
        let mut svg = Svg::new(10.0, 10.0, "a<b>");
        svg.text(1.0, 2.0, Style::LABEL, "ws://x?a=1&b=<2>\u{1b}");
        let svg = svg.finish();
        assert!(
            svg.contains("<title>a&lt;b&gt;</title>") && svg.contains(">ws://x?a=1&amp;b=&lt;2&gt; </tspan>"),
            "{svg}"
        );
    }

    #[test]
    fn a_step_that_is_missing_is_a_gap() {
        let mut svg = Svg::new(10.0, 10.0, "");
        svg.steps([Some([1.0, 2.0, 5.0]), Some([2.0, 3.0, 6.0]), None, Some([4.0, 5.0, 7.0]), None], Tone::Teal);
        let svg = svg.finish();
        assert!(svg.contains("d=\"M1.0 5.0 H2.0 L2.0 6.0 H3.0 M4.0 7.0 H5.0\""), "{svg}");
    }

    #[test]
    fn a_curve_goes_through_its_points() {
        let mut svg = Svg::new(10.0, 10.0, "");
        svg.curve(&[[1.0, 2.0], [3.0, 4.5]], Tone::Blue);
        let svg = svg.finish();
        assert!(svg.contains("<polyline points=\"1.0,2.0 3.0,4.5\" class=\"blue\""), "{svg}");
        assert_eq!(svg.matches("<circle").count(), 2);
    }

    #[test]
    fn every_colour_is_there_for_light_and_dark() {
        let svg = Svg::new(10.0, 10.0, "").finish();
        for tone in Tone::ALL {
            let (light, dark) = tone.colours();
            for colour in [light, dark] {
                assert!(svg.contains(&format!(".{} {{ color: {colour}; }}", tone.class())), "{tone:?}");
            }
        }
    }
}
