//! A script as statements, each with its place in the text.
//!
//! SQLite compiles one statement at a time and reports offsets into that statement only. Scripts are
//! therefore split here by SQLite's own lexical rules, so that every error can name the line and the
//! column in the whole script, and so that parameters can be looked at before anything runs. Trigger
//! bodies, the only place where `;` does not end a statement, are refused anyway.

use std::ops::Range;

/// What a token is, as far as anyone here asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A keyword or bare identifier.
    Word,
    /// `"x"`, `` `x` `` or `[x]`.
    Quoted,
    /// `'x'`.
    Text,
    /// `:name`, `@name`, `$name`, `?`, `?1`.
    Parameter,
    /// A number.
    Number,
    /// One punctuation byte; `::` is two of them.
    Sign,
}

/// One token of a script; spaces and comments are none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    /// What it is.
    pub(super) kind: Kind,
    /// Where it stands in the text.
    pub(super) range: Range<usize>,
}

impl Token {
    /// Its spelling.
    pub(super) fn text<'a>(&self, sql: &'a str) -> &'a str {
        &sql[self.range.clone()]
    }

    /// The name that it spells, without quotes.
    pub(super) fn name<'a>(&self, sql: &'a str) -> &'a str {
        self.text(sql).trim_matches(['"', '`', '[', ']'])
    }

    /// Whether it is this keyword, in any case.
    pub(super) fn is(&self, sql: &str, word: &str) -> bool {
        self.text(sql).eq_ignore_ascii_case(word)
    }
}

/// One statement of a script, without its `;`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Statement {
    /// Counts from 1.
    pub(super) number: usize,
    /// Its tokens; never empty.
    pub(super) tokens: Vec<Token>,
    /// From its first token to the `;` or the end of the script.
    pub(super) range: Range<usize>,
}

impl Statement {
    /// Its first word, as written.
    pub(super) fn first<'a>(&self, sql: &'a str) -> &'a str {
        self.tokens[0].text(sql)
    }

    /// Whether it is a query and changes nothing.
    pub(super) fn only_reads(&self, sql: &str) -> bool {
        let is_word = |token: &Token, words: &[&str]| {
            token.kind == Kind::Word && words.iter().any(|word| token.text(sql).eq_ignore_ascii_case(word))
        };
        is_word(&self.tokens[0], &["SELECT", "VALUES", "WITH"])
            && !self.tokens.iter().any(|token| is_word(token, &["INSERT", "UPDATE", "DELETE"]))
    }

    /// Where its last token ends, in the script.
    pub(super) fn last_end(&self) -> usize {
        self.tokens[self.tokens.len() - 1].range.end
    }

    /// Where in the statement it first names this table, `schema.table` or `table`.
    pub(super) fn offset_of(&self, sql: &str, table: &str) -> Option<usize> {
        let name = table.rsplit_once('.').map_or(table, |(_, name)| name);
        let token = self.tokens.iter().find(|token| token.name(sql).eq_ignore_ascii_case(name))?;
        Some(token.range.start - self.range.start)
    }
}

/// A place in a script, as editors count: both from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Line.
    pub line: usize,
    /// Column.
    pub column: usize,
}

impl Position {
    /// The place of byte `offset` of `sql`.
    pub(super) fn of(sql: &str, offset: usize) -> Self {
        let mut end = offset.min(sql.len());
        while !sql.is_char_boundary(end) {
            end -= 1;
        }
        let before = &sql[..end];
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        Self { line: before.matches('\n').count() + 1, column: before[start..].chars().count() + 1 }
    }
}

/// The statements of `sql`; empty ones are left out.
pub(super) fn split(sql: &str) -> Vec<Statement> {
    let mut statements = Vec::new();
    let mut tokens: Vec<Token> = Vec::new();
    let mut close = |tokens: &mut Vec<Token>, end: usize| {
        if let Some(first) = tokens.first() {
            let range = first.range.start..end;
            statements.push(Statement {
                number: statements.len() + 1,
                tokens: std::mem::take(tokens),
                range,
            });
        }
    };
    let mut at = 0;
    while let Some(token) = next_token(sql, at) {
        at = token.range.end;
        if token.kind == Kind::Sign && token.text(sql) == ";" {
            close(&mut tokens, token.range.start);
        } else {
            tokens.push(token);
        }
    }
    close(&mut tokens, sql.len());
    statements
}

fn next_token(sql: &str, from: usize) -> Option<Token> {
    let bytes = sql.as_bytes();
    let start = skip_blank(bytes, from);
    let first = *bytes.get(start)?;
    let (kind, end) = match first {
        b'\'' => (Kind::Text, quoted(bytes, start, b'\'')),
        b'"' | b'`' => (Kind::Quoted, quoted(bytes, start, first)),
        b'[' => (Kind::Quoted, memchr::memchr(b']', &bytes[start..]).map_or(bytes.len(), |n| start + n + 1)),
        b'?' => (Kind::Parameter, while_in(bytes, start + 1, |b| b.is_ascii_digit())),
        b':' | b'@' | b'$' | b'#' => {
            let end = while_in(bytes, start + 1, is_word);
            if end > start + 1 { (Kind::Parameter, end) } else { (Kind::Sign, end) }
        }
        b'0'..=b'9' => (Kind::Number, while_in(bytes, start, |b| is_word(b) || b == b'.')),
        // A blob literal's prefix is not a word of its own.
        b'x' | b'X' if bytes.get(start + 1) == Some(&b'\'') => (Kind::Text, quoted(bytes, start + 1, b'\'')),
        b if is_word(b) => (Kind::Word, while_in(bytes, start, is_word)),
        _ => (Kind::Sign, start + 1),
    };
    Some(Token { kind, range: start..end })
}

/// The end of the blanks and comments that start at `at`.
fn skip_blank(bytes: &[u8], mut at: usize) -> usize {
    loop {
        let rest = &bytes[at..];
        if rest.starts_with(b"--") {
            at = memchr::memchr(b'\n', rest).map_or(bytes.len(), |n| at + n + 1);
        } else if rest.starts_with(b"/*") {
            at = memchr::memmem::find(&rest[2..], b"*/").map_or(bytes.len(), |n| at + n + 4);
        } else if rest.starts_with("\u{feff}".as_bytes()) {
            at += 3;
        } else if rest.first().is_some_and(u8::is_ascii_whitespace) {
            at += 1;
        } else {
            return at;
        }
    }
}

/// The end of a quoted token; a doubled quote stands for itself.
fn quoted(bytes: &[u8], start: usize, quote: u8) -> usize {
    let mut at = start + 1;
    while let Some(n) = memchr::memchr(quote, &bytes[at..]) {
        at += n + 1;
        if bytes.get(at) != Some(&quote) {
            return at;
        }
        at += 1;
    }
    bytes.len()
}

fn while_in(bytes: &[u8], start: usize, allowed: impl Fn(u8) -> bool) -> usize {
    bytes[start..].iter().position(|b| !allowed(*b)).map_or(bytes.len(), |n| start + n)
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(sql: &str) -> Vec<&str> {
        split(sql).iter().map(|s| &sql[s.range.clone()]).collect()
    }

    #[test]
    fn semicolons_in_strings_names_and_comments_do_not_end_a_statement() {
        let sql = "select ';', \"a;b\", [c;d], `e;f` -- no; \n, 'it''s;' /* ; */ ; ;\n select 2";
        assert_eq!(
            texts(sql),
            ["select ';', \"a;b\", [c;d], `e;f` -- no; \n, 'it''s;' /* ; */ ", "select 2"]
        );
    }

    #[test]
    fn blanks_and_comments_alone_are_no_statement() {
        assert!(split(" \n-- x\n/* y */;;\u{feff}").is_empty());
        assert_eq!(texts("select 1 /* open"), ["select 1 /* open"]);
        assert_eq!(texts("select 'open; select 2"), ["select 'open; select 2"]);
    }

    #[test]
    fn places_count_lines_and_characters_from_one() {
        let sql = "é\nselect\n  'ü', x";
        assert_eq!(Position::of(sql, 0), Position { line: 1, column: 1 });
        assert_eq!(Position::of(sql, sql.find('x').unwrap()), Position { line: 3, column: 8 });
        assert_eq!(Position::of(sql, 999), Position { line: 3, column: 9 });
    }

    #[test]
    fn parameters_are_tokens_and_casts_are_not() {
        let sql = "select :a, @b, $c, ?, ?2, x'3a61', a::int, ':no'";
        let found: Vec<_> =
            split(sql)[0].tokens.iter().filter(|t| t.kind == Kind::Parameter).map(|t| t.text(sql)).collect();
        assert_eq!(found, [":a", "@b", "$c", "?", "?2", ":int"]);
    }
}
