//! What finding and leaving cost, in SQLite's own steps: nothing here may grow with what waits.

use rusqlite::StatementStatus;

use super::*;

/// A catalog in memory where so many deliveries wait for each of so many numbers, all of them due.
fn waiting(numbers: i64, each: i64) -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    for schema in [include_str!("../schema_1.sql"), include_str!("../schema_2.sql")] {
        connection.execute_batch(schema).unwrap();
    }
    let fill = format!(
        "INSERT INTO account (id, name, created_at) VALUES (1, 'first', 0);
         WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {numbers})
         INSERT INTO phone_number (id, account, display, created_at) SELECT n, 1, '+', 0 FROM n;
         INSERT INTO subscription VALUES (1, 1, NULL, 1, 0, 0, 1, x'00'), (2, 1, 1, 1, 0, 0, 1, x'00');
         WITH RECURSIVE n (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < {numbers} * {each} - 1)
         INSERT INTO delivery (account, phone_number, subscription, kind, state, in_line, created_at,
                               give_up_at, next_at, key_version, box)
         SELECT 1, n % {numbers} + 1, 1, 'message', 1, 1, 0, 9, iif(n < {numbers}, 0, NULL), 1, x'00' FROM n"
    );
    connection.execute_batch(&fill).unwrap();
    connection
}

/// How many of SQLite's own steps a statement takes.
fn steps(connection: &Connection, sql: &str, values: &[i64]) -> i32 {
    let mut statement = connection.prepare(sql).unwrap();
    let mut rows = statement.query(rusqlite::params_from_iter(values)).unwrap();
    while rows.next().unwrap().is_some() {}
    drop(rows);
    statement.get_status(StatementStatus::VmStep)
}

#[test]
fn finding_what_is_due_does_not_depend_on_how_much_waits() {
    let few = waiting(10, 1);
    let claim = [4, 5, 64, 30];
    let expected = (steps(&few, &claim_sql(), &claim), steps(&few, NEXT_DUE, &[4]));
    for many in [waiting(10, 1000), waiting(10_000, 1)] {
        let taken = (steps(&many, &claim_sql(), &claim), steps(&many, NEXT_DUE, &[4]));
        assert!(taken.0 < expected.0 * 2 && taken.1 < expected.1 * 2, "{taken:?}, not {expected:?}");
    }
}

#[test]
fn leaving_the_line_does_not_depend_on_its_length() {
    let end = "UPDATE delivery SET state = 2, next_at = NULL, gone_at = 1 WHERE id = 1";
    let mut taken = Vec::new();
    for each in [2, 10_000] {
        let connection = waiting(1, each);
        connection.execute(end, []).unwrap();
        taken.push(steps(&connection, ADVANCE, &[1, 1, 7]));
        let next: i64 =
            connection.query_row("SELECT id FROM delivery WHERE next_at = 7", [], |row| row.get(0)).unwrap();
        assert_eq!(next, 2);
    }
    assert_eq!(taken[0], taken[1]);
}
