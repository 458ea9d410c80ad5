// SPDX-License-Identifier: EUPL-1.2
//! The keypad of a telephone, as it is laid out and as it sounds: each key has the tone of its row and that of its column
//! (ITU-T Q.23).

/// The rows and columns of a keypad, in Hz.
pub const ROWS_HZ: [f64; 4] = [697.0, 770.0, 852.0, 941.0];
/// See [`ROWS_HZ`].
pub const COLUMNS_HZ: [f64; 4] = [1209.0, 1336.0, 1477.0, 1633.0];

/// The keys, row by row.
pub const KEYS: [[char; 4]; 4] =
    [['1', '2', '3', 'A'], ['4', '5', '6', 'B'], ['7', '8', '9', 'C'], ['*', '0', '#', 'D']];
