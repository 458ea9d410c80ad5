// SPDX-License-Identifier: EUPL-1.2
//! Least squares with coefficients that are not negative. What counts is by which share of the measurement the fit is
//! off, so that large loads do not outweigh small ones.
//!
//! With non-negative coefficients the best fit is the unconstrained best fit of some of the columns alone. There are so
//! few columns that all choices can be tried, which is exact and needs no steps that might not end.

/// What `columns · coefficients` gives for each row, and what it should be.
type Row<const N: usize> = ([f64; N], f64);

/// The best coefficients. A column in which all rows have nothing keeps what it had before.
pub(super) fn non_negative<const N: usize>(rows: &[Row<N>], before: [f64; N]) -> [f64; N] {
    let is_known: [bool; N] = std::array::from_fn(|column| rows.iter().any(|(columns, _)| columns[column] > 0.0));
    let weighted: Vec<Row<N>> = rows
        .iter()
        .filter(|(_, wanted)| *wanted > 0.0)
        .map(|(columns, wanted)| (columns.map(|value| value / wanted), 1.0))
        .collect();
    let mut best = ([0.0; N], f64::INFINITY);
    for choice in 0..1_usize << N {
        let chosen: Vec<usize> = (0..N).filter(|column| choice >> column & 1 == 1).collect();
        if chosen.iter().any(|column| !is_known[*column]) {
            continue;
        }
        let Some(solved) = solve(&weighted, &chosen) else { continue };
        if solved.iter().any(|coefficient| *coefficient < 0.0) {
            continue;
        }
        let squares = squares_of(&weighted, &solved);
        if squares < best.1 {
            best = (solved, squares);
        }
    }
    std::array::from_fn(|column| if is_known[column] { best.0[column] } else { before[column] })
}

fn squares_of<const N: usize>(rows: &[Row<N>], coefficients: &[f64; N]) -> f64 {
    rows.iter().map(|row| (fitted(&row.0, coefficients) - row.1).powi(2)).sum()
}

fn fitted<const N: usize>(columns: &[f64; N], coefficients: &[f64; N]) -> f64 {
    columns.iter().zip(coefficients).map(|(value, coefficient)| value * coefficient).sum()
}

/// Least squares over the chosen columns by the normal equations; `None` when these columns cannot be told apart.
fn solve<const N: usize>(rows: &[Row<N>], chosen: &[usize]) -> Option<[f64; N]> {
    let size = chosen.len();
    // Columns of the same length make the equations well conditioned.
    let lengths: Vec<f64> =
        chosen.iter().map(|column| rows.iter().map(|row| row.0[*column].powi(2)).sum::<f64>().sqrt()).collect();
    let of = |row: &Row<N>, place: usize| row.0[chosen[place]] / lengths[place];
    let mut equations = vec![vec![0.0; size + 1]; size];
    for row in rows {
        for (left, equation) in equations.iter_mut().enumerate() {
            for (right, value) in equation.iter_mut().enumerate() {
                *value += of(row, left) * if right == size { row.1 } else { of(row, right) };
            }
        }
    }
    for step in 0..size {
        let pivot = (step..size).max_by(|a, b| equations[*a][step].abs().total_cmp(&equations[*b][step].abs()))?;
        equations.swap(step, pivot);
        // With columns of length 1 this is what is left of one beside the others.
        if equations[step][step].abs() < 1e-9 {
            return None;
        }
        let head = equations[step].clone();
        for equation in equations.iter_mut().skip(step + 1) {
            let factor = equation[step] / head[step];
            equation.iter_mut().zip(&head).for_each(|(value, above)| *value -= factor * above);
        }
    }
    let mut solved = [0.0; N];
    for step in (0..size).rev() {
        let known: f64 =
            (step + 1..size).map(|place| equations[step][place] * solved[chosen[place]] * lengths[place]).sum();
        solved[chosen[step]] = (equations[step][size] - known) / equations[step][step] / lengths[step];
    }
    Some(solved)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows that are as these coefficients say, but for errors that come and go with the row.
    fn rows<const N: usize>(coefficients: [f64; N], error: f64) -> Vec<Row<N>> {
        let mut noise = crate::source::Noise::new(7);
        let row = |number: usize| {
            let columns: [f64; N] = std::array::from_fn(|_| noise.within(0, 10_000) as f64);
            let off = if number.is_multiple_of(2) { 1.0 + error } else { 1.0 - error };
            (columns, fitted(&columns, &coefficients) * off)
        };
        (0..30).map(row).collect()
    }

    fn is_near<const N: usize>(found: [f64; N], wanted: [f64; N], share: f64) -> bool {
        found.iter().zip(wanted).all(|(found, wanted)| (found - wanted).abs() <= share * wanted.max(0.05))
    }

    #[test]
    fn known_coefficients_are_found() {
        let wanted = [3.0, 0.5, 2.0, 0.05, 40.0];
        let found = non_negative(&rows(wanted, 0.0), [9.0; 5]);
        assert!(is_near(found, wanted, 1e-6), "{found:?}");
        let found = non_negative(&rows(wanted, 0.01), [9.0; 5]);
        // What makes little of every row is lost in the errors.
        assert!(is_near([found[0], found[2], found[4]], [3.0, 2.0, 40.0], 0.1), "{found:?}");
    }

    #[test]
    fn nothing_is_negative() {
        // Without the constraint the second one is.
        let rows = vec![([1.0, 0.0], 10.0), ([1.0, 1.0], 9.0), ([2.0, 1.0], 19.0)];
        assert!(solve(&rows, &[0, 1]).unwrap()[1] < 0.0);
        let found = non_negative(&rows, [0.0; 2]);
        assert!(found[1] == 0.0 && (9.0..10.0).contains(&found[0]), "{found:?}");
    }

    #[test]
    fn what_no_row_has_keeps_what_it_had() {
        let rows: Vec<Row<3>> = rows([3.0, 0.0, 2.0], 0.0).into_iter().map(|([a, _, c], y)| ([a, 0.0, c], y)).collect();
        let found = non_negative(&rows, [9.0, 8.0, 7.0]);
        assert!(is_near(found, [3.0, 8.0, 2.0], 1e-6), "{found:?}");
        assert_eq!(non_negative(&[], [1.0, 2.0]), [1.0, 2.0]);
    }

    #[test]
    fn columns_that_cannot_be_told_apart_are_not_both_used() {
        let rows: Vec<Row<2>> = (1..5).map(|x| ([f64::from(x), f64::from(2 * x)], f64::from(4 * x))).collect();
        let found = non_negative(&rows, [0.0; 2]);
        assert!((found[0] + 2.0 * found[1] - 4.0).abs() < 1e-9, "{found:?}");
    }

    #[test]
    fn small_rows_count_as_much_as_large_ones() {
        // One coefficient, two opinions: by shares it is in the middle, by squares near the large one.
        let found = non_negative(&[([1.0], 1.0), ([1_000.0], 2_000.0)], [0.0]);
        assert!((1.1..1.4).contains(&found[0]), "{found:?}");
    }
}
