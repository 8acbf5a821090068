//! Tables for people: columns as wide as what stands in them.

/// A table with a headline.
#[derive(Debug)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
    /// Columns from here on are numbers, which stand at the right.
    first_number: usize,
}

impl Table {
    /// A table with these headings, of which those from `first_number` on are above numbers.
    pub(crate) fn new<const N: usize>(headings: [&str; N], first_number: usize) -> Self {
        Self {
            rows: vec![headings.map(str::to_owned).to_vec()],
            first_number,
        }
    }

    /// Adds a line with a cell for each heading.
    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.to_vec());
    }

    /// The table as text, two spaces between columns.
    pub(crate) fn text(&self) -> String {
        let mut widths: Vec<usize> = Vec::new();
        for row in &self.rows {
            widths.resize(widths.len().max(row.len()), 0);
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let line = |row: &Vec<String>| {
            let cells = row
                .iter()
                .zip(&widths)
                .enumerate()
                .map(|(column, (cell, width))| {
                    if column < self.first_number {
                        format!("{cell:<width$}")
                    } else {
                        format!("{cell:>width$}")
                    }
                });
            let line = cells.collect::<Vec<_>>().join("  ");
            format!("{}\n", line.trim_end())
        };
        self.rows.iter().map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Table;

    #[test]
    fn columns_are_as_wide_as_what_stands_in_them() {
        let mut table = Table::new(["model", "images"], 1);
        table.row(["gpt-image-2".to_owned(), "7".to_owned()]);
        table.row(["é".to_owned(), "1234567".to_owned()]);
        let expected = "model         images\ngpt-image-2        7\né            1234567\n";
        assert_eq!(table.text(), expected);
    }
}
