// SPDX-License-Identifier: EUPL-1.2
//! A statement with its values. Its text only ever comes from the program, never from a request.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::error::StoreError;
use crate::value::Value;

/// A statement with `$1`, `$2`, … and a value for each.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "a statement does nothing until a transaction runs it"]
pub struct Statement {
    text: Cow<'static, str>,
    values: Vec<Value>,
}

/// A statement, whose placeholders [`Statement::bind`] fills in their order.
pub fn sql(text: &'static str) -> Statement {
    Statement { text: Cow::Borrowed(text), values: Vec::new() }
}

impl Statement {
    /// A statement over what the database says of itself: names of its tables and columns.
    pub(crate) fn of_catalogue(text: String) -> Self {
        Self { text: Cow::Owned(text), values: Vec::new() }
    }

    /// The value of the next placeholder.
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Appends text.
    pub fn push(&mut self, text: &'static str) -> &mut Self {
        self.text.to_mut().push_str(text);
        self
    }

    /// Appends text, a placeholder behind it and its value: `push_bound(" AND status = ", status)`.
    pub fn push_bound(&mut self, text: &'static str, value: impl Into<Value>) -> &mut Self {
        self.values.push(value.into());
        let number = self.values.len();
        let own = self.text.to_mut();
        own.push_str(text);
        // Writing to a string cannot fail.
        _ = write!(own, "${number}");
        self
    }

    /// Appends placeholders for a list in brackets: `push_list(" AND id IN ", ids)`. An empty one is no valid SQL, so
    /// whoever has nothing to ask for does not ask.
    pub fn push_list<V: Into<Value>>(&mut self, text: &'static str, values: impl IntoIterator<Item = V>) -> &mut Self {
        self.push(text).push("(");
        for (index, value) in values.into_iter().enumerate() {
            self.push_bound(if index == 0 { "" } else { ", " }, value);
        }
        self.push(")")
    }

    /// The text and the values, which must be as many as there are placeholders: SQLite takes those that are missing for
    /// `NULL` without a word.
    pub(crate) fn into_parts(self) -> Result<(Cow<'static, str>, Vec<Value>), StoreError> {
        let wanted = highest_placeholder(&self.text);
        if wanted == self.values.len() {
            Ok((self.text, self.values))
        } else {
            let text = self.text;
            Err(StoreError::Senseless(format!("{wanted} placeholders, {} values: {text}", self.values.len())))
        }
    }
}

fn highest_placeholder(text: &str) -> usize {
    let numbers = text.split('$').skip(1).map(|rest| {
        let digits = rest.find(|character: char| !character.is_ascii_digit()).unwrap_or(rest.len());
        rest[..digits].parse().unwrap_or(0)
    });
    numbers.max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_grows_with_its_values() {
        let mut statement = sql("SELECT a FROM t WHERE b = $1 AND c = $2").bind("x").bind(2_i64);
        statement.push_bound(" AND d > ", true).push_list(" AND e IN ", ["y", "z"]);
        let (text, values) = statement.into_parts().expect("whole");
        assert_eq!(text, "SELECT a FROM t WHERE b = $1 AND c = $2 AND d > $3 AND e IN ($4, $5)");
        assert_eq!(values.len(), 5);
    }

    #[test]
    fn a_value_that_is_missing_or_too_many_is_an_error() {
        assert!(sql("SELECT $1, $2").bind("x").into_parts().is_err());
        assert!(sql("SELECT $1").bind("x").bind("y").into_parts().is_err());
        assert!(sql("SELECT $2, $1, $2").bind("x").bind("y").into_parts().is_ok());
    }
}
