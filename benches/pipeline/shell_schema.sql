-- The reference: what a user who knows SQLite well would write for the `sqlite3` shell.
pragma journal_mode = wal;
pragma synchronous = normal;
pragma cache_size = -262144;
create table if not exists orders (
    id integer primary key, order_number text not null, email text, full_name text, phone text,
    placed_on text, quantity integer, price_cents integer, status text, is_member integer, tags text,
    notes text, customer_id integer, region text, updated_at integer not null);
create unique index if not exists orders_key on orders (order_number);
create index if not exists orders_email on orders (email);
attach ':memory:' as s;
create table s.customers (email text primary key, customer_id integer, region text, tier integer) without rowid;
create table s.raw (order_number text, email text, first_name text, last_name text, phone text,
    placed_at text, quantity text, price text, status text, is_member text, tags text, notes text);
.mode csv
