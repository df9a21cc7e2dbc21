//! Fits text and tables into narrow terminals.

/// The indent of lines that continue in a terminal that is too narrow for the columns.
const INDENT: usize = 4;

/// Breaks a text into lines of at most `width` characters. `indent` characters precede the text in its first line, and
/// the other lines get the same indent. If the indent would take half of the line, the text starts on its own line.
/// Words are never broken, so that a URL or path can be copied. A text with several lines is returned unchanged.
pub(crate) fn wrapped(text: &str, indent: usize, width: usize) -> String {
    if text.contains('\n') || indent + length(text) <= width {
        return text.to_owned();
    }
    let (mut lines, indent) =
        if 2 * indent > width { (line_break(INDENT), INDENT) } else { (String::new(), indent) };
    let mut used = indent;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        if used > indent && used + 1 + length(word) > width {
            lines += &line_break(indent);
            used = indent;
        } else if used > indent {
            lines.push(' ');
            used += 1;
        }
        lines += word;
        used += length(word);
    }
    lines
}

fn line_break(indent: usize) -> String {
    format!("\n{}", " ".repeat(indent))
}

fn length(text: &str) -> usize {
    text.chars().count()
}

/// Returns the lines of a table with aligned columns. If a line would be longer than `width`, each row becomes its first
/// cell, with the other cells and their headers below it. The headers are empty or as long as each row.
pub(crate) fn table(headers: &[&str], rows: &[Vec<String>], width: usize) -> Vec<String> {
    let heading: Vec<_> = headers.iter().map(|&header| header.to_owned()).collect();
    let all: Vec<_> = [&heading].into_iter().filter(|row| !row.is_empty()).chain(rows).collect();
    let column =
        |number: usize| all.iter().map(|row| length(&row[number])).max().unwrap_or_default();
    let columns: Vec<_> = (0..all.first().map_or(0, |row| row.len())).map(column).collect();
    let aligned = all.iter().map(|row| {
        let cells = row.iter().zip(&columns).map(|(cell, &width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    });
    let aligned: Vec<_> = aligned.collect();
    if aligned.iter().all(|line| length(line) <= width) {
        return aligned;
    }
    rows.iter().map(|row| stacked(headers, row, width)).collect()
}

fn stacked(headers: &[&str], row: &[String], width: usize) -> String {
    let first = row.first().map_or("", |cell| cell.trim_end());
    let below = line_break(INDENT);
    let headers = headers.iter().map(|header| header.to_lowercase() + " ");
    let headers = headers.chain(std::iter::repeat(String::new()));
    let cells = headers.zip(row).skip(1).filter(|(_, cell)| !cell.is_empty());
    let cells: Vec<_> =
        cells.map(|(header, cell)| wrapped(&(header + cell), INDENT, width)).collect();
    let fits = INDENT + length(&cells.join(" · ")) <= width;
    let cells = cells.join(if fits { " · " } else { &below });
    format!("{first}{below}{cells}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fit_into_a_narrow_terminal() {
        assert_eq!(wrapped("Start the whole stack", 4, 16), "Start the\n    whole stack");
        assert_eq!(wrapped("Start the  stack", 4, 80), "Start the  stack");
        assert_eq!(wrapped("unbreakable", 4, 8), "unbreakable");
        assert_eq!(wrapped("two\nlines that are long", 4, 12), "two\nlines that are long");
        assert_eq!(wrapped("far to the right", 9, 14), "\n    far to the\n    right");
    }

    #[test]
    fn table_is_stacked_in_a_narrow_terminal() {
        let rows = [["api", "running", "5000"], ["postgres", "stopped", ""]];
        let rows = rows.map(|row| row.map(str::to_owned).to_vec());
        let headers = ["SERVICE", "STATE", "PORT"];
        let wide = ["SERVICE   STATE    PORT", "api       running  5000", "postgres  stopped"];
        assert_eq!(table(&headers, &rows, 23), wide);
        assert_eq!(table(&[], &rows, 80), ["api       running  5000", "postgres  stopped"]);
        let narrow = ["api\n    state running\n    port 5000", "postgres\n    state stopped"];
        assert_eq!(table(&headers, &rows, 20), narrow);
        let short = ["api\n    running · 5000", "postgres\n    stopped"];
        assert_eq!(table(&[], &rows, 22), short);
        assert_eq!(table(&headers, &[], 80), ["SERVICE  STATE  PORT"]);
    }
}
