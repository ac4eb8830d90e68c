insert into orders (order_number, email, full_name, phone, placed_on, quantity, price_cents, status, is_member,
                    tags, notes, customer_id, region, updated_at)
select
    trim(o.order_number), lower(trim(o.email)), o.first_name || ' ' || o.last_name, o.phone,
    case when substr(o.placed_at, 5, 1) = '-' then substr(o.placed_at, 1, 10)
         when substr(o.placed_at, 3, 1) = '/' then
             substr(o.placed_at, 7, 4) || '-' || substr(o.placed_at, 1, 2) || '-' || substr(o.placed_at, 4, 2)
         else substr(o.placed_at, 8, 4) || '-'
             || substr('010203040506070809101112',
                       (instr('JanFebMarAprMayJunJulAugSepOctNovDec', substr(o.placed_at, 4, 3)) - 1) / 3 * 2 + 1, 2)
             || '-' || substr(o.placed_at, 1, 2)
    end,
    cast(o.quantity as integer),
    cast(round(cast(replace(o.price, ',', '') as real) * 100) as integer),
    lower(trim(o.status)), o.is_member = 'Yes', o.tags, o.notes, c.customer_id, c.region, 1700000000
from raw as o left join customers as c on c.email = lower(trim(o.email))
where true
on conflict (order_number) do update set
    email = excluded.email, full_name = excluded.full_name, phone = excluded.phone,
    placed_on = excluded.placed_on, quantity = excluded.quantity, price_cents = excluded.price_cents,
    status = excluded.status, is_member = excluded.is_member, tags = excluded.tags, notes = excluded.notes,
    customer_id = excluded.customer_id, region = excluded.region, updated_at = excluded.updated_at
where (orders.email, orders.full_name, orders.phone, orders.placed_on, orders.quantity, orders.price_cents,
       orders.status, orders.is_member, orders.tags, orders.notes, orders.customer_id, orders.region)
   is not (excluded.email, excluded.full_name, excluded.phone, excluded.placed_on, excluded.quantity,
       excluded.price_cents, excluded.status, excluded.is_member, excluded.tags, excluded.notes,
       excluded.customer_id, excluded.region);
.headers on
.once report.csv
select row_number() over () as row, o.order_number as key, r.id,
       case when r.updated_at = 1700000000 then 'upserted' else 'unchanged' end as action
from raw as o cross join orders as r on r.order_number = o.order_number;
