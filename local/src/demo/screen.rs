//! What people see: lines, a table that grows, a progress bar. Colours only on a terminal.

use std::io::{self, IsTerminal, Write};

use comfy_table::{Attribute, Cell, Color, ColumnConstraint, Table, TableStyle, Width, presets::NOTHING};
use indicatif::{ProgressBar, ProgressStyle};

/// The widths of the columns, together with the borders 100.
const WIDTHS: [u16; 4] = [30, 37, 13, 15];
const SUMMARY_WIDTHS: [u16; 2] = [30, 67];

/// Where the demonstration is shown.
pub struct Screen {
    output: Output,
    colours: bool,
}

enum Output {
    Terminal,
    Memory(Vec<String>),
}

/// One scene, told.
pub(super) struct Told {
    pub did: String,
    pub bridge: String,
    pub calls: String,
    pub state: String,
    pub good: bool,
}

impl Screen {
    /// Standard output; colours if it is a terminal and `NO_COLOR` is not set (<https://no-color.org>).
    #[must_use]
    pub fn stdout() -> Self {
        let colours = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self { output: Output::Terminal, colours }
    }

    /// Nothing is shown; the lines are kept.
    #[must_use]
    pub const fn hidden() -> Self {
        Self { output: Output::Memory(Vec::new()), colours: false }
    }

    /// The lines that were kept.
    #[must_use]
    pub fn lines(&self) -> &[String] {
        match &self.output {
            Output::Terminal => &[],
            Output::Memory(lines) => lines,
        }
    }

    /// Shows a line.
    pub fn line(&mut self, text: &str) {
        match &mut self.output {
            // Whoever closed the pipe does not want to read on.
            Output::Terminal => drop(writeln!(io::stdout().lock(), "{text}")),
            Output::Memory(lines) => lines.push(text.to_owned()),
        }
    }

    /// A progress bar on standard error; it hides itself where that is no terminal.
    pub(super) fn progress(&self, length: usize, what: &'static str) -> ProgressBar {
        if matches!(self.output, Output::Memory(_)) {
            return ProgressBar::hidden();
        }
        let style = ProgressStyle::with_template("  {spinner} {msg} [{bar:44}] {pos}/{len} people");
        let bar = ProgressBar::new(u64::try_from(length).unwrap_or_default());
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━╸ "));
        bar.with_message(what)
    }

    /// A bar of rows, whose message says how it goes.
    pub(super) fn rows(&self, length: usize) -> ProgressBar {
        if matches!(self.output, Output::Memory(_)) {
            return ProgressBar::hidden();
        }
        let style = ProgressStyle::with_template("  [{bar:24}] {pos}/{len} rows: {msg}");
        let bar = ProgressBar::new(u64::try_from(length).unwrap_or_default());
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━╸ "));
        bar
    }

    pub(super) fn open_table(&mut self) {
        let titles = ["what a person did", "what the bridge did", "calls to\nWix/HubSpot", "state"];
        let cells = titles.map(|title| Cell::new(title).add_attribute(Attribute::Bold)).to_vec();
        self.cells(cells, &WIDTHS, Edge::Top, Some(Edge::Head));
    }

    pub(super) fn row(&mut self, told: &Told, first: bool) {
        let colour = if told.good { Color::Green } else { Color::Red };
        let cells = vec![Cell::new(&told.did), Cell::new(&told.bridge), Cell::new(&told.calls), Cell::new(&told.state).fg(colour)];
        self.cells(cells, &WIDTHS, if first { Edge::None } else { Edge::Middle }, None);
    }

    pub(super) fn close_table(&mut self) {
        self.line(&Edge::Bottom.draw(&WIDTHS));
    }

    pub(super) fn summary(&mut self, facts: &[(&str, String, bool)]) {
        for (place, (what, value, good)) in facts.iter().enumerate() {
            let colour = if *good { Color::Green } else { Color::Red };
            let cells = vec![Cell::new(what), Cell::new(value).fg(colour)];
            self.cells(cells, &SUMMARY_WIDTHS, if place == 0 { Edge::Top } else { Edge::None }, None);
        }
        self.line(&Edge::Bottom.draw(&SUMMARY_WIDTHS));
    }

    /// Shows one row of a table that is never whole: the edges are drawn apart from the cells.
    fn cells(&mut self, cells: Vec<Cell>, widths: &[u16], above: Edge, below: Option<Edge>) {
        let mut table = Table::new();
        table.load_style(bare()).add_row(cells);
        table.set_constraints(widths.iter().map(|width| ColumnConstraint::Absolute(Width::Fixed(*width))));
        if self.colours {
            table.enforce_styling();
        } else {
            table.force_no_tty();
        }
        let lines: Vec<String> = table.lines().collect();
        for line in above.line(widths).into_iter().chain(lines).chain(below.and_then(|edge| edge.line(widths))) {
            self.line(&line);
        }
    }
}

/// Cells between bars, no edges.
fn bare() -> TableStyle {
    use comfy_table::ContentLineStyle;
    NOTHING.content_lines(ContentLineStyle::new('│', '│', '│'))
}

/// A line between rows.
#[derive(Clone, Copy)]
enum Edge {
    None,
    Top,
    Head,
    Middle,
    Bottom,
}

impl Edge {
    fn line(self, widths: &[u16]) -> Option<String> {
        (!matches!(self, Self::None)).then(|| self.draw(widths))
    }

    fn draw(self, widths: &[u16]) -> String {
        let [left, fill, cross, right] = match self {
            Self::None => [" "; 4],
            Self::Top => ["╭", "─", "┬", "╮"],
            Self::Head => ["╞", "═", "╪", "╡"],
            Self::Middle => ["├", "╌", "┼", "┤"],
            Self::Bottom => ["╰", "─", "┴", "╯"],
        };
        let parts: Vec<String> = widths.iter().map(|width| fill.repeat(usize::from(*width))).collect();
        format!("{left}{}{right}", parts.join(cross))
    }
}
